import type { Expected } from '../../../archive/expected.ts'
import type { KnownObject, ObjectReader } from '../../../objects/driver.ts'
import type { BackupInfo, Manifest } from '../../../wire/backup.ts'
import type { Verification } from '../../../wire/verification.ts'
import type { PrintSigned } from '../../manifest.ts'

/** An archive in the store, with its manifest and index. */
export interface StoredArchive {
  info: BackupInfo
  /** null if it is missing or unreadable. */
  manifest: Manifest | null
  /** The manifest is not as backupd wrote it, by damage or by hand. */
  isManifestChanged: boolean
  /** Prints what a signature of the manifest is over; null without one. */
  printSigned: PrintSigned | null
  openObject(known?: KnownObject): Promise<ObjectReader>
  /** null if it is missing, or differs from the manifest's (size, sha256). */
  openIndex(): Promise<ObjectReader | null>
  /** Marks the backup as corrupt. False if that is impossible: it is in another namespace, or has no manifest. */
  markCorrupt(reason: string): Promise<boolean>
  /** Notes that all of it was read and is intact. False as above, and if damage was found since it was opened. */
  markVerified(proof: Omit<Verification, 'at'>): Promise<boolean>
  /** False if the backup was deleted since it was opened. */
  exists(): Promise<boolean>
}

/** The facts in the manifest that an archive is compared with. */
export function makeExpected({ manifest }: Pick<StoredArchive, 'manifest'>): Expected | null {
  return manifest && { size: manifest.size, sha256: manifest.sha256, tarBytes: manifest.tarBytes }
}
