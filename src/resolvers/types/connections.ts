import { Backup, File } from './backup.ts'
import { connectionType } from './connection.ts'
import { Record } from './record.ts'
import { FileChange, FileVersion } from './snapshot.ts'

export const BackupConnection = connectionType('Backup', () => Backup)
export const RecordConnection = connectionType('Record', () => Record)
/** These lists are read in pages, so their count is known only if one page has everything. */
export const FileConnection = connectionType('File', () => File, { uncounted: true })
export const FileChangeConnection = connectionType('FileChange', () => FileChange, { uncounted: true })
export const FileVersionConnection = connectionType('FileVersion', () => FileVersion, { uncounted: true })
