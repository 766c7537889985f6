import type { VolumeKey } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { toBackupInfo } from './backup-rows.ts'
import { makeTuples } from './bulk-rows.ts'
import type { CatalogDb } from './database.ts'
import type { Backup } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'

/**
 * The newest good backup of each volume, keyed `${server} ${source}`; a volume without one is left out. Archives are
 * ordered by sequence. Of the newest archive and the series of snapshots, the one with the later good point wins.
 */
export async function findLastGood(
  db: CatalogDb,
  keys: readonly VolumeKey[],
): Promise<Map<string, BackupInfo>> {
  const last = new Map<string, BackupInfo>()
  for (const some of splitIntoLists(keys)) {
    const volumes = some.map(({ server, source }) => [server, source])
    const rows = await db.$queryRaw<Backup[]>`
      SELECT b.* FROM "LastGood" g JOIN "Backup" b ON b."sequenceKey" = g."sequenceKey"
      WHERE (g."server", g."source") IN ${makeTuples(volumes)}`
    for (const info of rows.map(toBackupInfo)) {
      const other = last.get(volumeName(info))
      if (!other || readGoodTime(info) > readGoodTime(other)) last.set(volumeName(info), info)
    }
  }
  return last
}

function readGoodTime({ created, series }: BackupInfo): number {
  return Date.parse(series?.lastGood?.created ?? created)
}

function volumeName({ server, source }: VolumeKey): string {
  return `${server} ${source}`
}
