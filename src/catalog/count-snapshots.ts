import type { BackupKey } from '../domain/ports.ts'
import { makeTuples } from './bulk-rows.ts'
import type { CatalogDb } from './database.ts'
import { splitIntoLists } from './numbers.ts'

/** The number of snapshots of each known series, keyed `${server} ${name}`; reads nothing else of the rows. */
export async function countSnapshots(
  db: CatalogDb,
  keys: readonly BackupKey[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const some of splitIntoLists(keys)) {
    const pairs = some.map(({ server, name }) => [server, name])
    const rows = await db.$queryRaw<{ server: string; name: string; snapshots: bigint | number | null }[]>`
      SELECT server, name, series ->> 'snapshots' AS snapshots FROM Backup
      WHERE (server, name) IN ${makeTuples(pairs)} AND series IS NOT NULL`
    for (const { server, name, snapshots } of rows) counts.set(`${server} ${name}`, Number(snapshots ?? 0))
  }
  return counts
}
