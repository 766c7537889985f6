import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord } from '../wire/record.ts'
import type { NewsPost, TakenNews } from './news-line.ts'
import { filterOwnRecords } from './news-sender.ts'
import type { World } from './world.ts'

/** Takes the posts of many daemons together: one look at what is known, and one transaction. */
export async function takeNews(
  world: World,
  posts: readonly NewsPost[],
): Promise<PromiseSettledResult<TakenNews>[]> {
  const begun = world.clock.elapsed()
  const own = await filterOwnRecords(world, posts)
  const surprising = await findSurprises(world, own.flat())
  const results = await Promise.allSettled(
    own.map(async (records) => {
      const changed = await world.ledger.apply(records)
      const isSurprising = [...changed].some((rid) => surprising.has(rid))
      return { records, changed: changed.size > 0, isSurprising }
    }),
  )
  noteTold(world, own.flat())
  world.newsGate.noteTaken(own.flat().length, world.clock.elapsed() - begun)
  return results
}

/**
 * After the loss of a catalog, daemons report all their runs once more, also of backups that were pinned or deleted
 * since. Their namespaces are listed again when that is over.
 */
function noteTold({ servers, alarms }: World, records: readonly RunRecord[]): void {
  for (const { result } of records)
    for (const { server } of [result?.backup ?? [], result?.changed ?? []].flat()) {
      const known = servers.get(server)
      if (known && !alarms.gate.isOpen(server)) known.wasTold = true
    }
}

/** Assumed of a record in the answer of a daemon. */
const USUAL_RECORD_BYTES = 4096

/**
 * Takes records that a daemon was asked for, as if it had posted them: they are admitted, wait in line, and are stored
 * together with others. Returns those that were taken; none if there is no room, because the daemon tells them later.
 */
export async function takeAnswers(
  world: World,
  server: string,
  records: readonly RunRecord[],
): Promise<readonly RunRecord[]> {
  if (records.length === 0) return []
  const [rids, bytes] = [records.map(({ rid }) => rid), records.length * USUAL_RECORD_BYTES]
  world.ledger.noteAlive(rids, server)
  const post = { server, rids, records: records.length, bytes, isLegacy: false }
  using place = world.newsGate.tryAdmit(post)
  return place ? (await world.newsLine.take({ server, records })).records : []
}

/** Finds the runs whose series did not grow by exactly one snapshot: another program, such as restic, has changed it. */
async function findSurprises(world: World, records: readonly RunRecord[]): Promise<ReadonlySet<string>> {
  const surprising = new Set<string>()
  const series = records.flatMap(({ result }) => listSeries(result?.backup))
  if (series.length === 0) return surprising
  const counts = await world.ports.backups.countSnapshots(series)
  for (const { rid, result } of records) {
    for (const { key, snapshots } of listSeries(result?.backup)) {
      const known = counts.get(key) ?? 0
      if (snapshots !== known && snapshots !== known + 1) surprising.add(rid)
    }
    // What this run left is known to those after it.
    for (const { key, snapshots } of listSeries(result?.backup, ...(result?.changed ?? [])))
      counts.set(key, snapshots)
  }
  return surprising
}

function listSeries(...backups: (BackupInfo | undefined)[]) {
  return backups.flatMap((backup) => {
    if (!backup?.series) return []
    const { server, name, series } = backup
    return [{ server, name, key: `${server} ${name}`, snapshots: series.snapshots }]
  })
}
