// Names of archives in the store. A name contains the volume and the time of the backup.

import { isPathComponent } from '../lib/path-component.ts'

/**
 * A file name has at most 255 bytes. The rest is for the seconds, endings and the id of a run after the archive's
 * name.
 */
export const MAX_ARCHIVE_NAME_BYTES = 170

export interface ArchiveParts {
  app: string
  /** The full name: `<app>.<type>.<name>`. */
  proc: string
  instanceNo: number
  volume: string
}

const BACKUP_NAME = /^(?<archive>[^./][^/]*)-(?<seconds>\d{9,12})\.tar\.gz$/
const LEGACY_BACKUP_NAME = /^(?<archive>.*)-(?<seconds>\d+)\.tar\.gz$/s
/** The seconds of a clock in this era. */
const MAX_LEGACY_DIGITS = 10
const ARCHIVE = /^(?<app>.+?)-(?<proc>\k<app>\..+?)-\d+-/

/** `<app>-<proc>-<instance>-<volume, / as ->` */
export function archiveName({ app, proc, instanceNo, volume }: ArchiveParts): string {
  return `${app}-${proc}-${instanceNo}${dashed(volume)}`
}

/** Whether an archive, or a backup, is named as those of this proc are. `proc` is the full name. */
export function isNamedAfterProc(name: string, { app, proc }: Pick<ArchiveParts, 'app' | 'proc'>): boolean {
  return name.startsWith(`${app}-${proc}-`)
}

/** `<archive>-<unix seconds>.tar.gz` */
export function backupName(archive: string, seconds: number): string {
  return `${archive}-${seconds}.tar.gz`
}

/** Splits the name of a backup; undefined for any other name. */
export function parseBackupName(name: string): { archive: string; seconds: number } | undefined {
  const { archive, seconds } = BACKUP_NAME.exec(name)?.groups ?? {}
  return archive === undefined ? undefined : { archive, seconds: Number(seconds) }
}

/** Whether a backup of any kind can have this name. Names that begin with a dot are the store's own. */
export function isBackupName(name: string): boolean {
  return isPathComponent(name) && !name.startsWith('.')
}

/**
 * Splits `NAME` or `NAME/path/inside`, without checking NAME. `inside` is empty for the whole backup, and undefined if
 * the path leads out of it.
 */
export function parseBackupPath(path: string): { name: string; inside: string | undefined } {
  const [name = '', ...inside] = path.split('/')
  return { name, inside: inside.every(isPathComponent) ? inside.join('/') : undefined }
}

/** The archive that a backup is named after: a series and a mirror have its name as it is. */
export function findArchiveOfBackup(name: string): string {
  return parseBackupName(name)?.archive ?? name
}

/** Tells a full backup from an increment by the ending alone, as the legacy system does: also for foreign names. */
export function isFullBackupName(name: string): boolean {
  return name.endsWith('.tar.gz')
}

/**
 * Splits a name that a legacy daemon lists. It takes the seconds from its clock unchecked: one that starts in 1970
 * gives few digits, and its backups are listed and recovered all the same. Seconds with too many digits read 0.
 */
export function parseLegacyBackupName(name: string): { archive: string; seconds: number } | undefined {
  const { archive, seconds = '' } = LEGACY_BACKUP_NAME.exec(name)?.groups ?? {}
  if (archive === undefined) return undefined
  return { archive, seconds: seconds.length > MAX_LEGACY_DIGITS ? 0 : Number(seconds) }
}

/** The app and proc of an archive whose instance and volume are known; empty if its name has another form. */
export function procOfArchive(
  archive: string,
  { instanceNo, volume }: Pick<ArchiveParts, 'instanceNo' | 'volume'>,
): Pick<ArchiveParts, 'app' | 'proc'> {
  const tail = `-${instanceNo}${dashed(volume)}`
  const head = archive.endsWith(tail) ? archive.slice(0, archive.length - tail.length) : ''
  for (let at = head.indexOf('-'); at > 0; at = head.indexOf('-', at + 1)) {
    const app = head.slice(0, at)
    if (head.startsWith(`${app}.`, at + 1)) return { app, proc: head.slice(at + 1) }
  }
  return { app: '', proc: '' }
}

/** The same from the name alone; only a guess if the name of the proc contains `-<number>-`. */
export function guessProcOfArchive(archive: string): Pick<ArchiveParts, 'app' | 'proc'> {
  const { app = '', proc = '' } = ARCHIVE.exec(archive)?.groups ?? {}
  return { app, proc }
}

function dashed(volume: string): string {
  return volume.replaceAll('/', '-')
}
