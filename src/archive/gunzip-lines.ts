import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { ObjectReader } from '../objects/driver.ts'

const READ_BYTES = 256 * 1024
/** Guards against a line without end. Paths have no limit of their own. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
/** Guards against decompression bombs: zeros compress 1000 times, the lines of one deep folder about 200 times. */
const MAX_RATIO = 500
/** Content up to this size is always allowed, whatever the ratio. */
const ALWAYS_ALLOWED_BYTES = 1024 * 1024
const LINE_FEED = 0x0a

/** Yields the lines of a gzipped text object. Throws ARCHIVE_CORRUPT if it cannot be inflated. */
export async function* gunzipLines(reader: ObjectReader): AsyncGenerator<string> {
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
    if (restBytes > MAX_LINE_BYTES) throw damaged(`it has a line of more than ${MAX_LINE_BYTES} bytes`)
  }
  if (restBytes > 0) throw damaged('its last line is incomplete')
}

/** Errors of the store are thrown as they are; errors of zlib mean damage. */
async function* gunzipped(reader: ObjectReader): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: READ_BYTES })
  let readError: unknown
  const source = Readable.from(readChunks(reader), { objectMode: false })
  source.once('error', (error) => {
    readError = error
    gunzip.destroy(error)
  })
  source.pipe(gunzip)
  try {
    let bytes = 0
    const maxBytes = Math.max(ALWAYS_ALLOWED_BYTES, reader.size * MAX_RATIO)
    for await (const chunk of gunzip) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new Error(`its ${reader.size} bytes inflate to more than ${maxBytes}`)
      yield chunk
    }
  } catch (error) {
    throw readError ?? damaged(messageOf(error), error)
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

async function* readChunks(reader: ObjectReader): AsyncGenerator<Buffer> {
  for (let at = 0; at < reader.size; ) {
    const chunk = await reader.read(at, READ_BYTES)
    if (chunk.length === 0) throw damaged(`it ends at byte ${at}, expected ${reader.size} bytes`)
    at += chunk.length
    yield chunk
  }
}

function damaged(why: string, cause?: unknown): BackupdError {
  return new BackupdError('ARCHIVE_CORRUPT', `The index of the archive is damaged: ${why}`, { cause })
}
