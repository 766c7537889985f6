import { readIndex } from '../../../archive/index-format.ts'
import type { StoredArchive } from './stored-archive.ts'

/** The compressed sizes of an archive's gzip members, from its index; null if there is no index that can be trusted. */
export async function readMemberSizes(archive: StoredArchive): Promise<number[] | null> {
  try {
    await using index = await archive.openIndex()
    if (!index) return null
    const sizes: number[] = []
    for await (const line of readIndex(index)) {
      if (line.kind === 'members') for (const [compressed] of line.sizes) sizes.push(compressed)
    }
    return sizes
  } catch {
    return null
  }
}
