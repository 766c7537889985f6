import type { VolumeKey } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { toBackupInfo } from './backup-rows.ts'
import { makeList, makeTuples } from './bulk-rows.ts'
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
    const good = await db.$queryRaw<{ sequenceKey: string }[]>`
      SELECT "sequenceKey" FROM "LastGood" WHERE ("server", "source") IN ${makeTuples(volumes)}`
    const asked = good.map(({ sequenceKey }) => sequenceKey)
    const rows = await db.$queryRaw<Backup[]>`
      SELECT * FROM "Backup" WHERE "sequenceKey" IN ${makeList(asked)}`
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
