import type { VolumeKey } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { toBackupInfo } from './backup-rows.ts'
import type { CatalogDb } from './database.ts'
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
    const newest = await db.backup.groupBy({
      by: ['server', 'source', 'mode'],
      where: {
        good: true,
        server: { in: [...new Set(some.map(({ server }) => server))] },
        source: { in: [...new Set(some.map(({ source }) => source))] },
      },
      _max: { sequenceKey: true },
    })
    const wanted = new Set(some.map(volumeName))
    const asked = newest
      .filter((volume) => wanted.has(volumeName(volume)))
      .map(({ _max }) => _max.sequenceKey ?? '')
    const rows = await db.backup.findMany({ where: { sequenceKey: { in: asked } } })
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
