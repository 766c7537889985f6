import { BackupdError } from '../lib/errors.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** What a manifest says of an archive. */
export interface Expected {
  size: number
  sha256: string
  tarBytes?: number
}

/** Before anything is read. Throws ARCHIVE_CORRUPT. */
export function refuseWrongSize(size: number, expected: Expected | null): void {
  if (!expected || size === expected.size) return
  throw new BackupdError(
    'ARCHIVE_CORRUPT',
    `The archive is not what was written: it is ${size} bytes, expected ${expected.size}. Take an older backup`,
    { facts: { size, expected: expected.size } },
  )
}

/** Reads what is left: the digest is over the whole object. Throws ARCHIVE_CORRUPT. */
export async function refuseOtherBytes(archive: ArchiveReader, expected: Expected | null): Promise<void> {
  const sha256 = await archive.digest()
  if (!expected || expected.sha256 === sha256) return
  throw new BackupdError(
    'ARCHIVE_CORRUPT',
    `The archive is not what was written: its sha256 is ${sha256}, expected ${expected.sha256}. Take an older backup`,
    { facts: { sha256, expected: expected.sha256 } },
  )
}
