import { open, readlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'

/** Bytes. A process with very many mappings or mounts has a few MiB; one that is out to harm has any number. */
const LARGEST = 32 * 1024 * 1024

/** A file in /proc as latin1 text. Throws EFBIG where a process made it larger than any has need to. */
export async function readProcText(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const chunks = await handle.createReadStream({ end: LARGEST, autoClose: false }).toArray()
    const content = Buffer.concat(chunks)
    if (content.length <= LARGEST) return content.toString('latin1')
    throw Object.assign(new Error(`EFBIG: ${file} is larger than ${LARGEST} bytes`), { code: 'EFBIG' })
  } finally {
    await handle.close()
  }
}

/** A link in /proc as latin1 text. Throws ENAMETOOLONG where the path is longer than a link can be. */
export async function readProcLink(link: string): Promise<string> {
  return (await readlink(link, { encoding: 'buffer' })).toString('latin1')
}

/** Kernel threads and processes that end meanwhile hold nothing. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes(errnoOf(error) ?? '')
}
