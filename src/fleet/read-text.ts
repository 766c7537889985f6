import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'

/** Reads a text file. Throws BAD_INPUT with a sentence that names it if it is missing, not UTF-8 or too large. */
export async function readText(file: string, { what, maxBytes }: ReadTextOptions): Promise<string> {
  const name = `The ${what} ${file}`
  const content = await readBytes(file, name, maxBytes)
  if (content.length > maxBytes)
    throw makeReadError(name, `is larger than ${maxBytes / 2 ** 20} MiB: split it`)
  if (!isUtf8(content)) throw makeReadError(name, 'is not a text in UTF-8: save it as UTF-8')
  return content.toString('utf8')
}

export interface ReadTextOptions {
  /** What kind of file it is: `inventory`. */
  what: string
  maxBytes: number
}

/** Reads up to one byte more than `maxBytes`, which shows that the file is larger. */
async function readBytes(file: string, name: string, maxBytes: number): Promise<Buffer> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!(await handle.stat()).isFile()) throw makeReadError(name, 'is not a file')
    const chunks = handle.createReadStream({ start: 0, end: maxBytes, autoClose: false })
    return Buffer.concat(await chunks.toArray())
  } catch (cause) {
    throw cause instanceof BackupdError ? cause : makeReadError(name, describeReadError(cause))
  } finally {
    await handle?.close()
  }
}

function describeReadError(cause: unknown): string {
  return errnoOf(cause) === 'ENOENT' ? 'does not exist' : `cannot be read: ${messageOf(cause)}`
}

function makeReadError(name: string, problem: string): BackupdError {
  return new BackupdError('BAD_INPUT', `${name} ${problem}`)
}
