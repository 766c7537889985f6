import { BackupdError } from '../lib/errors.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** The facts of an archive in its manifest. */
export interface Expected {
  size: number
  sha256: string
  tarBytes?: number
}

/** Compares the size before anything is read. Throws ARCHIVE_CORRUPT. */
export function checkSize(size: number, expected: Expected | null): void {
  if (!expected || size === expected.size) return
  throw new BackupdError(
    'ARCHIVE_CORRUPT',
    `The archive is damaged: it has ${size} bytes, expected ${expected.size}. Use an older backup`,
    { facts: { size, expected: expected.size } },
  )
}

/** Reads the rest, and compares the digest of the whole object. Throws ARCHIVE_CORRUPT. */
export async function checkDigest(archive: ArchiveReader, expected: Expected | null): Promise<void> {
  const sha256 = await archive.digest()
  if (!expected || expected.sha256 === sha256) return
  throw new BackupdError(
    'ARCHIVE_CORRUPT',
    `The archive is damaged: its sha256 is ${sha256}, expected ${expected.sha256}. Use an older backup`,
    { facts: { sha256, expected: expected.sha256 } },
  )
}
