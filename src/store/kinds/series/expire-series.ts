import { setTimeout as wait } from 'node:timers/promises'
import { hasCode, messageOf } from '../../../lib/errors.ts'
import type { ObjectLock } from '../../../objects/driver.ts'
import { describeLock } from '../../../objects/object-lock.ts'
import { type AcquireLock, type PruneOptions, prune } from '../../../restic/prune/prune.ts'
import { LOCK_RETRY_MS } from '../../../restic/repository/lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { type ExpireRule, type Expiry, readExpireMs } from '../../expiry.ts'
import { planRetention } from '../../retention.ts'
import { makeAcquireLock } from './acquire-lock.ts'
import { noteDamagedPacks, tidyDamage } from './damage-note.ts'
import { forgetInNamespace } from './forget-series.ts'
import { freeSnapshots, isHiddenDue } from './free-snapshots.ts'
import {
  isOverdue,
  isPruneDue,
  isRetentionCheckDue,
  notePruned,
  noteRetentionCheck,
  type PruneNote,
  readPruneNote,
} from './prune-note.ts'
import { isOwnSeries, readSeries, type SnapshotSeries } from './series.ts'
import { makeSeriesInfo, makeSnapshotInfo } from './series-info.ts'

/** Room that a slice of a prune may need. If less is free, prunes run sooner. */
const FULL_BYTES = 64 * 1024 * 1024

interface SeriesRule {
  source: string
  expireMs: number
}

/**
 * Forgets the snapshots that are older than their volume's `expire`, or hidden and due, then prunes if a prune is due. First removes the
 * locks of killed runs, also those in other servers' repositories, which would wait for them forever.
 */
export async function expireSeries(rules: readonly ExpireRule[], expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  try {
    const unlocked = await store.removeStaleLocks(run.settings.dataDir)
    for (const name of unlocked) run.log('info', `Removed the lock "${name}" of a killed run`)
    await expireIfDue(readRules(rules, expiry), expiry)
  } catch (error) {
    if (hasCode(error, 'REPOSITORY_LOCKED')) return await reportLockedOut(error.message, expiry)
    if (run.signal.aborted) throw error
    run.reportProblem(messageOf(error))
  }
}

/** Stays quiet at first, because the next run, a minute later, usually finds the repository free. */
async function reportLockedOut(who: string, expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  const note = await readPruneNote({ store, ip: run.settings.ip })
  if (!isOverdue(note, run.now())) return run.log('info', who)
  run.reportProblem(`Snapshots have been neither expired nor pruned for a while. ${who}`)
}

function readRules(rules: readonly ExpireRule[], { run }: Expiry): SeriesRule[] {
  return rules.flatMap((rule) => {
    const expireMs = readExpireMs(rule, run)
    return expireMs === undefined ? [] : [{ source: rule.source, expireMs }]
  })
}

async function expireIfDue(rules: readonly SeriesRule[], expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  const { ip } = run.settings
  const namespace = { store, ip }
  const nowMs = run.now()
  const note = await readPruneNote(namespace)
  const shortest = Math.min(...rules.map(({ expireMs }) => expireMs))
  const isCheckDue =
    isRetentionCheckDue(note, shortest, nowMs) && (rules.length > 0 || (await isHiddenDue(expiry)))
  if (!isCheckDue && !(await mustPrune(note, expiry))) return
  await using repository = await store.repository(ip)
  if (!repository) return
  await store.assertOwner()
  if (isCheckDue) {
    await freeSnapshots(repository, expiry, announcing(repository, expiry))
    await forgetExpired(rules, repository, expiry)
    await ignoreStoreFull(
      store.withReserve(() => noteRetentionCheck(namespace, nowMs)),
      expiry,
    )
  }
  // `deletedSnapshots` counts too, because a full store may have had no room for the note. Damaged packs are pruned as
  // soon as nothing needs them: until then, a restic that a user runs treats their copies as good.
  const counted = Math.max((await readPruneNote(namespace)).forgotten, expiry.expired.deletedSnapshots.length)
  const forgotten = counted + repository.distrusted.size
  if (await mustPrune({ ...note, forgotten }, expiry)) {
    await pruneAndNoteDamage(repository, expiry)
    await ignoreStoreFull(
      store.withReserve(() => notePruned(namespace, nowMs)),
      expiry,
    )
  }
}

async function mustPrune(note: PruneNote, { store, run }: Expiry): Promise<boolean> {
  const nowMs = run.now()
  if (isPruneDue(note, nowMs)) return true
  if (!isPruneDue(note, nowMs, { isStoreFull: true })) return false
  const space = await store.driver.space?.()
  return space !== undefined && space.freeBytes < FULL_BYTES
}

/** Tolerates a full store: without the note, the next run only checks again. */
async function ignoreStoreFull(noted: Promise<void>, { run }: Expiry): Promise<void> {
  try {
    await noted
  } catch (error) {
    if (!hasCode(error, 'STORE_FULL')) throw error
    run.log('warn', error.message)
  }
}

async function forgetExpired(
  rules: readonly SeriesRule[],
  repository: Repository,
  expiry: Expiry,
): Promise<void> {
  const { store, run } = expiry
  const { ip } = run.settings
  const plan = async () => findExpired(await readSeries(repository, ip), rules, expiry)
  const { ids, stopped } = await plan()
  for (const problem of stopped) run.reportProblem(problem)
  if (ids.length === 0) return
  run.log('info', `${ids.length} snapshots are older than their volumes keep them`, { ids })
  const warn = (message: string) => run.log('warn', message)
  const onLocked = (kept: readonly string[], lock: ObjectLock) =>
    run.reportKept(`${kept.length} expired snapshots stay, such as ${kept[0]}: ${describeLock(lock)}`)
  const acquireLock = announcing(repository, expiry)
  const context = { store, ip, repository, acquireLock, warn, onLocked }
  // Snapshots may have been added or deleted before the exclusive lock: plan again under it.
  const stillDue = async () => (await plan()).ids
  expiry.expired.deletedSnapshots.push(...(await forgetInNamespace(context, ids, stillDue)))
  const sources = new Set(rules.map(({ source }) => source))
  const now = (await readSeries(repository, ip)).filter(({ source }) => sources.has(source))
  expiry.expired.changed.push(...now.map((series) => makeSeriesInfo(ip, series)))
}

function findExpired(all: readonly SnapshotSeries[], rules: readonly SeriesRule[], { run }: Expiry) {
  const { ip } = run.settings
  const nowMs = run.now()
  const ids: string[] = []
  const stopped: string[] = []
  for (const { source, expireMs } of rules) {
    for (const series of all.filter((one) => one.source === source && isOwnSeries(one, ip))) {
      const plan = planRetention(toAgedSnapshots(series), { expireMs, nowMs })
      ids.push(...plan.expired)
      const why = plan.stopped ?? plan.delayed
      if (why !== null) stopped.push(`${source}: ${why}`)
    }
  }
  return { ids, stopped }
}

/** Numbered in the order of the series, because snapshots made by restic have no sequence. A mirror never expires. */
function toAgedSnapshots({ snapshots }: SnapshotSeries) {
  return snapshots.map((snapshot, n) => {
    const { id, created, state, suspect, corrupt, mirror, clockDoubt } = makeSnapshotInfo(snapshot)
    const holds = [...(mirror ? ['mirror'] : []), ...(snapshot.holds ?? [])]
    return { name: id, created, state, suspect, sequence: n, corrupt, holds, rid: id, clockDoubt }
  })
}

/** Prunes, notes the damage it finds and removes notes of damage that is gone. */
async function pruneAndNoteDamage(repository: Repository, expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  const noting = { store, ip: run.settings.ip, repository, nowMs: run.now() }
  try {
    await pruneRepository(repository, expiry)
  } catch (error) {
    await noteDamagedPacks(noting).catch(() => {})
    throw error
  }
  await ignoreStoreFull(tidyDamage(noting), expiry)
}

async function pruneRepository(repository: Repository, expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  run.progress({ phase: 'prune' })
  const options: PruneOptions = {
    acquireLock: announcing(repository, expiry),
    signal: run.signal,
    pause: () => wait(2 * LOCK_RETRY_MS, undefined, { signal: run.signal }),
    onProgress: ({ bytesFreed: bytesDone, bytesExpected: bytesTotal }) =>
      run.progress({ bytesDone, bytesTotal }),
  }
  const { bytesFreed, packsLocked } = await store.withReserve(() => prune(repository, options))
  expiry.expired.bytesFreed = bytesFreed
  if (packsLocked > 0)
    run.reportKept(`${packsLocked} packs of deleted snapshots stay until their lock in the store ends`)
}

/** Announces the run when it gets the exclusive lock, because nothing is deleted before that. */
function announcing(repository: Repository, { run }: Expiry): AcquireLock {
  const { dataDir } = run.settings
  const acquireLock = makeAcquireLock(repository, { dataDir, signal: run.signal }, run.lockWaitMs)
  return async (how) => {
    const lock = await acquireLock(how)
    if (how.exclusive) await run.announce()
    return lock
  }
}
