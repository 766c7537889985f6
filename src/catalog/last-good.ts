import type { BackupInfo } from '../wire/backup.ts'
import { backupOf } from './backup-rows.ts'
import type { Db } from './database.ts'
import { inLists } from './numbers.ts'

export interface VolumeKey {
  server: string
  source: string
}

/** The newest good backup of each volume, keyed `${server} ${source}`; a volume without one is left out. */
export async function lastGood(db: Db, keys: readonly VolumeKey[]): Promise<Map<string, BackupInfo>> {
  const last = new Map<string, BackupInfo>()
  for (const some of inLists(keys)) {
    const newest = await db.backup.groupBy({
      by: ['server', 'source'],
      where: {
        good: true,
        server: { in: [...new Set(some.map(({ server }) => server))] },
        source: { in: [...new Set(some.map(({ source }) => source))] },
      },
      _max: { sequenceKey: true },
    })
    const wanted = new Set(some.map(nameOf))
    const asked = newest
      .filter((volume) => wanted.has(nameOf(volume)))
      .map(({ _max }) => _max.sequenceKey ?? '')
    const rows = await db.backup.findMany({ where: { sequenceKey: { in: asked } } })
    for (const row of rows) last.set(nameOf(row), backupOf(row))
  }
  return last
}

function nameOf({ server, source }: VolumeKey): string {
  return `${server} ${source}`
}
