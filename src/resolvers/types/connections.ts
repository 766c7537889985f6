import { Backup, File } from './backup.ts'
import { connectionType } from './connection.ts'
import { Record } from './record.ts'
import { FileChange, FileVersion } from './snapshot.ts'

export const BackupConnection = connectionType('Backup', () => Backup)
export const RecordConnection = connectionType('Record', () => Record)
/** A folder is read page by page, so its count is known only where one page holds all of it. */
export const FileConnection = connectionType('File', () => File, { uncounted: true })
export const FileChangeConnection = connectionType('FileChange', () => FileChange, { uncounted: true })
export const FileVersionConnection = connectionType('FileVersion', () => FileVersion, { uncounted: true })
