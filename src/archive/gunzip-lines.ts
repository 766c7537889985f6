import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { ObjectReader } from '../objects/driver.ts'

const READ_BYTES = 256 * 1024
/** Paths have no limit, but a line that grows without end is no line. */
const LINE_MAX = 16 * 1024 * 1024
/** Lines of one deep folder compress some 200 times; zeros a thousand times. */
const MAX_RATIO = 500
const ALWAYS_ALLOWED = 1024 * 1024
const LINE_FEED = 0x0a

/** The lines of a gzip'd text object, one after the other. Throws ARCHIVE_CORRUPT where it does not unpack. */
export async function* gunzippedLines(reader: ObjectReader): AsyncGenerator<string> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const chunk of gunzipped(reader)) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8')
      from = end + 1
      rest = []
      restBytes = 0
    }
    rest.push(chunk.subarray(from))
    restBytes += chunk.length - from
    if (restBytes > LINE_MAX) throw damaged('a line of it does not end')
  }
  if (restBytes > 0) throw damaged('its last line does not end')
}

/** The store's own errors pass as they are; only what zlib says about the bytes is damage. */
async function* gunzipped(reader: ObjectReader): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: READ_BYTES })
  let readError: unknown
  const source = Readable.from(chunksOf(reader), { objectMode: false })
  source.once('error', (error) => {
    readError = error
    gunzip.destroy(error)
  })
  source.pipe(gunzip)
  try {
    let bytes = 0
    const most = Math.max(ALWAYS_ALLOWED, reader.size * MAX_RATIO)
    for await (const chunk of gunzip) {
      bytes += chunk.length
      if (bytes > most) throw new Error(`its ${reader.size} bytes unpack to more than ${most}`)
      yield chunk
    }
  } catch (error) {
    throw readError ?? damaged(messageOf(error), error)
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

async function* chunksOf(reader: ObjectReader): AsyncGenerator<Buffer> {
  for (let at = 0; at < reader.size; ) {
    const chunk = await reader.read(at, READ_BYTES)
    if (chunk.length === 0) throw damaged('it is shorter than it should be')
    at += chunk.length
    yield chunk
  }
}

function damaged(why: string, cause?: unknown): BackupdError {
  return new BackupdError('ARCHIVE_CORRUPT', `The index of the archive is damaged: ${why}`, { cause })
}
