import { open, readlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'

/** Very many mappings or mounts take a few MiB; a hostile process could make the file arbitrarily large. */
const MAX_BYTES = 32 * 1024 * 1024

/** Reads a file in /proc as latin1 text. Throws EFBIG if it is larger than MAX_BYTES. */
export async function readProcText(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const chunks = await handle.createReadStream({ end: MAX_BYTES, autoClose: false }).toArray()
    const content = Buffer.concat(chunks)
    if (content.length <= MAX_BYTES) return content.toString('latin1')
    throw Object.assign(new Error(`EFBIG: ${file} is larger than ${MAX_BYTES} bytes`), { code: 'EFBIG' })
  } finally {
    await handle.close()
  }
}

/** Reads a link in /proc as latin1 text. Throws ENAMETOOLONG if the path is too long for a link. */
export async function readProcLink(link: string): Promise<string> {
  return (await readlink(link, { encoding: 'buffer' })).toString('latin1')
}

/** Whether the error means a kernel thread, or a process that has ended: both hold nothing. */
export function isProcessGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes(errnoOf(error) ?? '')
}
