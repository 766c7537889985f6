import { once } from 'node:events'
import { Readable, type TransformOptions } from 'node:stream'
import { promisify } from 'node:util'
import { createGunzip, gunzip, type ZlibOptions } from 'node:zlib'
import { release } from '../lib/release.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** So many members are inflated ahead, in libuv's threads, while earlier ones are written. */
export const MEMBERS_AHEAD = 2
/** A little more than one of our members inflates to, so that one call is enough. */
const MEMBER_CHUNK_BYTES = (1 << 20) + 4096
/** An archive with larger members is not ours. It is read as a stream, which limits the memory. */
const MAX_MEMBER_BYTES = 8 << 20
const MAX_INFLATED_BYTES = 16 << 20
/** Large buffers: the stream inflates ahead while earlier content is written. */
const STREAM_OPTIONS: ZlibOptions & TransformOptions = {
  chunkSize: 256 << 10,
  readableHighWaterMark: 4 << 20,
}

const inflate = promisify(gunzip)

/**
 * Inflates a gzip file. `members` are the compressed sizes of its gzip members in order, which are then inflated in
 * parallel; if it is null, or does not add up to the file's size, the file is read as one stream. Each buffer is valid
 * until the next one is requested. Throws zlib's errors.
 */
export function gunzipArchive(
  archive: ArchiveReader,
  members: readonly number[] | null,
): AsyncIterable<Buffer> {
  return members && areUsable(members, archive.size)
    ? inflateMembers(archive, members)
    : inflateStream(archive)
}

function areUsable(members: readonly number[], size: number): boolean {
  let sum = 0
  for (const length of members) {
    if (!(length > 0 && length <= MAX_MEMBER_BYTES)) return false
    sum += length
  }
  return sum === size
}

async function* inflateMembers(archive: ArchiveReader, members: readonly number[]): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = []
  try {
    for (const length of members) {
      ahead.push(inflateMember(await archive.next(length)))
      if (ahead.length > MEMBERS_AHEAD) yield* yieldThenRelease(await (ahead.shift() as Promise<Buffer>))
    }
    while (ahead.length > 0) yield* yieldThenRelease(await (ahead.shift() as Promise<Buffer>))
  } finally {
    await Promise.allSettled(ahead)
  }
}

/** Frees the memory when the next buffer is requested. */
function* yieldThenRelease(content: Buffer): Generator<Buffer> {
  yield content
  release(content)
}

/** Frees the member's memory. A rejection is handled later, when the caller awaits the result. */
export function inflateMember(member: Buffer): Promise<Buffer> {
  const inflated = inflate(member, { chunkSize: MEMBER_CHUNK_BYTES, maxOutputLength: MAX_INFLATED_BYTES })
  const done = () => release(member)
  inflated.then(done, done)
  return inflated
}

async function* inflateStream(archive: ArchiveReader): AsyncGenerator<Buffer> {
  const input = Readable.from(archive.rest(), { objectMode: true, highWaterMark: 2 })
  const output = createGunzip(STREAM_OPTIONS)
  input.once('error', (error) => output.destroy(error))
  input.pipe(output)
  try {
    yield* output
  } finally {
    output.destroy()
    input.destroy()
    if (!input.closed) await once(input, 'close').catch(() => {})
  }
}
