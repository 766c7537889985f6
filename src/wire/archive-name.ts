/** The name of an archive in the store says which volume it is of, and when it was made. */

/** Bytes. A folder name holds 255: seconds, endings and the id of a run come behind the archive's name. */
export const LONGEST_ARCHIVE_NAME = 170

export interface ArchiveOf {
  app: string
  /** Its full name: `<app>.<type>.<name>`. */
  proc: string
  instanceNo: number
  volume: string
}

const BACKUP_NAME = /^(?<archive>[^./][^/]*)-(?<seconds>\d{9,12})\.tar\.gz$/
const ARCHIVE = /^(?<app>.+?)-(?<proc>\k<app>\..+?)-\d+-/

/** `<app>-<proc>-<instance>-<volume, / as ->` */
export function archiveName({ app, proc, instanceNo, volume }: ArchiveOf): string {
  return `${app}-${proc}-${instanceNo}${dashed(volume)}`
}

/** `<archive>-<unix seconds>.tar.gz` */
export function backupName(archive: string, seconds: number): string {
  return `${archive}-${seconds}.tar.gz`
}

/** A backup's name taken apart; undefined for any other name. */
export function parseBackupName(name: string): { archive: string; seconds: number } | undefined {
  const { archive, seconds } = BACKUP_NAME.exec(name)?.groups ?? {}
  return archive === undefined ? undefined : { archive, seconds: Number(seconds) }
}

/** Whose an archive is, of which instance and volume are known. Empty if its name is of another kind. */
export function procOfArchive(
  archive: string,
  { instanceNo, volume }: Pick<ArchiveOf, 'instanceNo' | 'volume'>,
): Pick<ArchiveOf, 'app' | 'proc'> {
  const tail = `-${instanceNo}${dashed(volume)}`
  const head = archive.endsWith(tail) ? archive.slice(0, archive.length - tail.length) : ''
  for (let at = head.indexOf('-'); at > 0; at = head.indexOf('-', at + 1)) {
    const app = head.slice(0, at)
    if (head.startsWith(`${app}.`, at + 1)) return { app, proc: head.slice(at + 1) }
  }
  return { app: '', proc: '' }
}

/** The same by the name alone: a guess where the proc has `-<number>-` in its name. */
export function guessProcOfArchive(archive: string): Pick<ArchiveOf, 'app' | 'proc'> {
  const { app = '', proc = '' } = ARCHIVE.exec(archive)?.groups ?? {}
  return { app, proc }
}

function dashed(volume: string): string {
  return volume.replaceAll('/', '-')
}
