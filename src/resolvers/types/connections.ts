import { Alarm } from './alarm.ts'
import { Volume } from './app.ts'
import { AuditEntry } from './audit.ts'
import { Backup, File } from './backup.ts'
import { connectionType } from './connection.ts'
import { Job } from './job.ts'
import { LogLine } from './log-line.ts'
import { Notification } from './notification.ts'
import { Record } from './record.ts'
import { RecoverStep } from './recover-plan.ts'
import { Server } from './server.ts'
import { FileChange, FileVersion } from './snapshot.ts'

export const AlarmConnection = connectionType('Alarm', () => Alarm)
export const AuditEntryConnection = connectionType('AuditEntry', () => AuditEntry)
export const BackupConnection = connectionType('Backup', () => Backup)
export const JobConnection = connectionType('Job', () => Job)
export const NotificationConnection = connectionType('Notification', () => Notification)
export const RecordConnection = connectionType('Record', () => Record)
export const RecoverStepConnection = connectionType('RecoverStep', () => RecoverStep)
export const ServerConnection = connectionType('Server', () => Server)
export const VolumeConnection = connectionType('Volume', () => Volume)
/** These lists are read in pages, so their count is known only if one page has everything. */
export const LogLineConnection = connectionType('LogLine', () => LogLine, { uncounted: true })
export const FileConnection = connectionType('File', () => File, { uncounted: true })
export const FileChangeConnection = connectionType('FileChange', () => FileChange, { uncounted: true })
export const FileVersionConnection = connectionType('FileVersion', () => FileVersion, { uncounted: true })
