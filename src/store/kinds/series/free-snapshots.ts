import type { ObjectLock } from '../../../objects/driver.ts'
import { describeLock } from '../../../objects/object-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { Expiry } from '../../expiry.ts'
import { refuseHolds } from '../../refuse-holds.ts'
import { type ForgetContext, forgetInNamespace } from './forget-series.ts'
import { changeHiddenSnapshots, readHiddenSnapshots } from './hidden-snapshots.ts'
import { readWholeSeries, type SeriesSnapshot } from './series.ts'

/** Whether a hidden snapshot of the own namespace can no longer be restored, by the trusted time. */
export async function isHiddenDue({ store, run }: Expiry): Promise<boolean> {
  const hidden = await readHiddenSnapshots(store.driver, run.settings.ip)
  return [...hidden.values()].some(({ until }) => Date.parse(until) <= store.trustedNow())
}

/** Forgets the hidden snapshots whose time has passed; the next prune frees their room. */
export async function freeSnapshots(
  repository: Repository,
  expiry: Expiry,
  acquireLock: ForgetContext['acquireLock'],
): Promise<void> {
  const { store, run, expired } = expiry
  const { ip } = run.settings
  if (!(await isHiddenDue(expiry))) return
  const { ids, kept } = await findDue(repository, expiry)
  for (const why of kept) run.reportKept(why)
  if (ids.length > 0) {
    run.log('info', `${ids.length} deleted snapshots can no longer be restored, and are removed`, { ids })
    const warn = (message: string) => run.log('warn', message)
    const onLocked = (some: readonly string[], lock: ObjectLock) =>
      run.reportKept(`${some.length} deleted snapshots stay, such as ${some[0]}: ${describeLock(lock)}`)
    const context = { store, ip, repository, acquireLock, warn, onLocked }
    const stillDue = async () => (await findDue(repository, expiry)).ids
    expired.deletedSnapshots.push(...(await forgetInNamespace(context, ids, stillDue)))
  }
  await dropForgotten(repository, expiry)
}

async function findDue(repository: Repository, { store, run }: Expiry) {
  const [ids, kept]: [string[], string[]] = [[], []]
  for (const { name, snapshots } of await readWholeSeries(repository, run.settings.ip))
    for (const snapshot of snapshots.filter((one) => isDue(one, store.trustedNow()))) {
      const why = findObstacle(name, snapshot, store.trustedNow())
      if (why === undefined) ids.push(snapshot.id)
      else kept.push(why)
    }
  return { ids, kept }
}

function isDue({ hidden }: SeriesSnapshot, nowMs: number): boolean {
  return hidden !== undefined && Date.parse(hidden.until) <= nowMs
}

/** Somebody may have pinned it meanwhile. */
function findObstacle(name: string, { id, holds = [] }: SeriesSnapshot, nowMs: number): string | undefined {
  try {
    refuseHolds({ name, snapshot: id }, holds, nowMs)
    return undefined
  } catch (error) {
    return `A deleted snapshot stays: ${error instanceof Error ? error.message : error}`
  }
}

/** The list comes last: a crash before that leaves snapshots in it that do not exist, never the other way round. */
async function dropForgotten(repository: Repository, { store, run }: Expiry): Promise<void> {
  const existing = new Set(await Array.fromAsync(repository.listUnpacked('snapshots')))
  const { ip } = run.settings
  await store.withReserve(() =>
    changeHiddenSnapshots({ store, ip }, async (hidden) =>
      [...hidden.keys()].every((id) => existing.has(id))
        ? hidden
        : new Map([...hidden].filter(([id]) => existing.has(id))),
    ),
  )
}
