import { z } from 'zod'
import { isoTime } from '../lib/clock.ts'
import { parseLegacyBackupName, procOfArchive } from '../wire/archive-name.ts'
import {
  type BackupEntity,
  type BackupInfo,
  backupEntitySchema,
  type FileInfo,
  WITHOUT_MANIFEST,
} from '../wire/backup.ts'
import { bigCount, isMoment } from '../wire/fields.ts'
import { parseLegacySource } from '../wire/legacy-source.ts'
import { parseEach } from '../wire/tolerant.ts'

/** What a legacy daemon answers instead of a page; null if there are no backups. */
export const legacyBackupsSchema = z
  .array(z.unknown())
  .nullable()
  .transform((list) => parseEach(backupEntitySchema, list ?? []))

/**
 * Fields that a legacy list lacks become null, or as if the backup were good.
 * @param server the daemon that answered, which lists its own namespace only
 */
export function fromLegacyBackup(entity: BackupEntity, server: string): BackupInfo {
  return {
    ...entity,
    server,
    created: readCreated(entity),
    source: parseLegacySource(entity.source).source,
    ...procOfArchive(parseLegacyBackupName(entity.name)?.archive ?? entity.name, entity),
    containers: entity.containers ?? [],
    sequence: 0,
    rid: null,
    jobId: null,
    state: 'success',
    suspect: null,
    corrupt: null,
    holds: [],
    ...WITHOUT_MANIFEST,
  }
}

function readCreated({ created, name }: BackupEntity): string {
  if (isMoment(created)) return created
  return isoTime((parseLegacyBackupName(name)?.seconds ?? 0) * 1000)
}

const legacyFileSchema = z.object({
  name: z.string(),
  size: bigCount,
  mod_time: z.string().max(40),
  dir: z.boolean(),
})

/** A legacy daemon's list of a folder. */
export const legacyFolderSchema = z
  .array(z.unknown())
  .nullable()
  .transform((list) => parseEach(legacyFileSchema, list ?? []))

export function fromLegacyFile(
  folder: string,
  { name, size, mod_time, dir }: { name: string; size: number; mod_time: string; dir: boolean },
): FileInfo {
  return {
    path: folder === '' ? name : `${folder}/${name}`,
    type: dir ? 'directory' : 'file',
    size,
    mode: dir ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    modified: mod_time,
    linkTarget: null,
    sha256: null,
  }
}
