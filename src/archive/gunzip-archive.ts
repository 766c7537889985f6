import { once } from 'node:events'
import { Readable, type TransformOptions } from 'node:stream'
import { promisify } from 'node:util'
import { createGunzip, gunzip, type ZlibOptions } from 'node:zlib'
import { release } from '../lib/release.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** Members inflated at once, on libuv's threads, while what came before is written. */
const MEMBERS_AHEAD = 2
/** A little more than a member of ours inflates to, so that one call does it. */
const MEMBER_CHUNK = (1 << 20) + 4096
/** Larger ones are not ours; they are read as a stream, so that memory stays flat. */
const LARGEST_MEMBER = 8 << 20
const LARGEST_INFLATED = 16 << 20
/** Inflates ahead while what came before is written. */
const STREAM_OPTIONS: ZlibOptions & TransformOptions = {
  chunkSize: 256 << 10,
  readableHighWaterMark: 4 << 20,
}

const inflate = promisify(gunzip)

/**
 * The tar stream in a gzip file. With `members`, the compressed sizes of its gzip members in order, several are
 * inflated side by side; where they are null or do not add up it is read as one stream. Each buffer is good until the
 * next is asked for. Throws zlib's errors.
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
    if (!(length > 0 && length <= LARGEST_MEMBER)) return false
    sum += length
  }
  return sum === size
}

async function* inflateMembers(archive: ArchiveReader, members: readonly number[]): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = []
  try {
    for (const length of members) {
      ahead.push(inflateAhead(await archive.next(length)))
      if (ahead.length > MEMBERS_AHEAD) yield* lent(await (ahead.shift() as Promise<Buffer>))
    }
    while (ahead.length > 0) yield* lent(await (ahead.shift() as Promise<Buffer>))
  } finally {
    await Promise.allSettled(ahead)
  }
}

/** Its memory is given back when the next is asked for. */
function* lent(content: Buffer): Generator<Buffer> {
  yield content
  release(content)
}

/** A failure waits to be asked for. */
function inflateAhead(member: Buffer): Promise<Buffer> {
  const inflated = inflate(member, { chunkSize: MEMBER_CHUNK, maxOutputLength: LARGEST_INFLATED })
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
