import type { ObjectReader } from '../../../objects/driver.ts'
import type { BackupInfo, Manifest } from '../../../wire/backup.ts'

/** An archive in the store, with its manifest and index. */
export interface StoredArchive {
  info: BackupInfo
  /** null if it is missing or unreadable. */
  manifest: Manifest | null
  openObject(): Promise<ObjectReader>
  /** null if it is missing, or differs from the manifest's (size, sha256). */
  openIndex(): Promise<ObjectReader | null>
  /** Marks the backup as corrupt. False if that is impossible: it is in another namespace, or has no manifest. */
  markCorrupt(reason: string): Promise<boolean>
}
