import type { ObjectReader } from '../../../objects/driver.ts'
import type { BackupInfo, Manifest } from '../../../wire/backup.ts'

/** An archive as it lies in the store, with what stands beside it. */
export interface StoredArchive {
  info: BackupInfo
  /** null if there is none, or none that can be read. */
  manifest: Manifest | null
  openObject(): Promise<ObjectReader>
  /** null if there is none, or it is not the one the manifest names (size, sha256). */
  openIndex(): Promise<ObjectReader | null>
  /** Its archive proved not to be what was written. False if that cannot be noted: another namespace, no manifest. */
  markCorrupt(reason: string): Promise<boolean>
}
