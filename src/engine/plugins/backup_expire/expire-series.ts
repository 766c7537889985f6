import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { type PruneOptions, prune, type TakeLock } from '../../../restic/prune/prune.ts'
import { LOCK_RETRY_MS } from '../../../restic/repository/lock.ts'
import { removeStaleLocks } from '../../../restic/repository/remove-stale-locks.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { noteDamagedPacks, tidyDamage } from '../../../store/kinds/series/damage-note.ts'
import { forgetInNamespace } from '../../../store/kinds/series/forget-series.ts'
import {
  isOverdue,
  isPruneDue,
  isRetentionCheckDue,
  notePruned,
  noteRetentionCheck,
  type PruneNote,
  readPruneNote,
} from '../../../store/kinds/series/prune-note.ts'
import { isOwnSeries, readSeries, type SnapshotSeries } from '../../../store/kinds/series/series.ts'
import { infoOfSeries, infoOfSnapshot } from '../../../store/kinds/series/series-info.ts'
import { takeLockOf } from '../../../store/kinds/series/take-lock.ts'
import { planRetention } from '../../../store/retention.ts'
import { readRunTime } from '../../run-time.ts'
import { type ExpireRun, parseExpireMs, reportProblem, type VolumeRule } from './expire-run.ts'

/** Room that a slice of a prune may need. If less is free, prunes run sooner. */
const FULL_BYTES = 64 * 1024 * 1024

interface SeriesRule {
  source: string
  expireMs: number
}

/**
 * Forgets the snapshots that are older than their volume's `expire`, then prunes if a prune is due. First removes the
 * locks of killed runs, also those in other servers' repositories, which would wait for them forever.
 */
export async function expireSeries(rules: readonly VolumeRule[], run: ExpireRun): Promise<void> {
  const { store, context } = run
  try {
    const unlocked = await removeStaleLocks(store.driver, context.settings.dataDir)
    for (const name of unlocked) context.log('info', `The lock "${name}" of a run that was killed is gone`)
    await expireIfDue(readRules(rules, run), run)
  } catch (error) {
    if (error instanceof BackupdError && error.code === 'REPOSITORY_LOCKED')
      return await reportLockedOut(error.message, run)
    if (context.signal.aborted) throw error
    reportProblem(run, messageOf(error))
  }
}

/** Stays quiet at first, because the next run, a minute later, usually finds the repository free. */
async function reportLockedOut(who: string, run: ExpireRun): Promise<void> {
  const { store, context } = run
  const note = await readPruneNote({ store, ip: context.settings.ip })
  if (!isOverdue(note, readRunTime(context).nowMs)) return context.log('info', who)
  reportProblem(run, `Snapshots are neither expired nor pruned for a while now. ${who}`)
}

function readRules(rules: readonly VolumeRule[], run: ExpireRun): SeriesRule[] {
  return rules.flatMap(({ source, expire }) => {
    const expireMs = parseExpireMs(expire)
    if (typeof expireMs === 'number') return [{ source, expireMs }]
    reportProblem(run, `${source}: ${expireMs}`)
    return []
  })
}

async function expireIfDue(rules: readonly SeriesRule[], run: ExpireRun): Promise<void> {
  const { store, context } = run
  const { ip } = context.settings
  const namespace = { store, ip }
  const { nowMs } = readRunTime(context)
  const note = await readPruneNote(namespace)
  const shortest = Math.min(...rules.map(({ expireMs }) => expireMs))
  const isLook = rules.length > 0 && isRetentionCheckDue(note, shortest, nowMs)
  if (!isLook && !(await mustPrune(note, run))) return
  await using repository = await store.repository(ip)
  if (!repository) return
  await store.assertOwner()
  if (isLook) {
    await forgetExpired(rules, repository, run)
    await ignoreStoreFull(
      store.withReserve(() => noteRetentionCheck(namespace, nowMs)),
      run,
    )
  }
  // `deletedSnapshots` counts too, because a full store may have had no room for the note. Damaged packs are pruned as
  // soon as nothing needs them: until then, a restic that a user runs treats their copies as good.
  const counted = Math.max((await readPruneNote(namespace)).forgotten, run.deletedSnapshots.length)
  const forgotten = counted + repository.distrusted.size
  if (await mustPrune({ ...note, forgotten }, run)) {
    await pruneAndNoteDamage(repository, run)
    await ignoreStoreFull(
      store.withReserve(() => notePruned(namespace, nowMs)),
      run,
    )
  }
}

async function mustPrune(note: PruneNote, { store, context }: ExpireRun): Promise<boolean> {
  const { nowMs } = readRunTime(context)
  if (isPruneDue(note, nowMs)) return true
  if (!isPruneDue(note, nowMs, { isStoreFull: true })) return false
  return (await store.driver.space()).freeBytes < FULL_BYTES
}

/** Tolerates a full store: without the note, the next run only checks again. */
async function ignoreStoreFull(noted: Promise<void>, { context }: ExpireRun): Promise<void> {
  try {
    await noted
  } catch (error) {
    if (!(error instanceof BackupdError) || error.code !== 'STORE_FULL') throw error
    context.log('warn', error.message)
  }
}

async function forgetExpired(
  rules: readonly SeriesRule[],
  repository: Repository,
  run: ExpireRun,
): Promise<void> {
  const { store, context } = run
  const { ip } = context.settings
  const plan = async () => findExpired(await readSeries(repository, ip), rules, run)
  const { ids, stopped } = await plan()
  for (const problem of stopped) reportProblem(run, problem)
  if (ids.length === 0) return
  context.log('info', `${ids.length} snapshots are older than their volumes keep them`, { ids })
  const warn = (message: string) => context.log('warn', message)
  const forgetting = { store, ip, repository, takeLock: announcing(repository, run), warn }
  // Snapshots may have been added or deleted before the exclusive lock: plan again under it.
  const stillDue = async () => (await plan()).ids
  run.deletedSnapshots.push(...(await forgetInNamespace(forgetting, ids, stillDue)))
  const sources = new Set(rules.map(({ source }) => source))
  const now = (await readSeries(repository, ip)).filter(({ source }) => sources.has(source))
  run.changed.push(...now.map((series) => infoOfSeries(ip, series)))
}

function findExpired(all: readonly SnapshotSeries[], rules: readonly SeriesRule[], { context }: ExpireRun) {
  const { settings } = context
  const { nowMs } = readRunTime(context)
  const ids: string[] = []
  const stopped: string[] = []
  for (const { source, expireMs } of rules) {
    for (const series of all.filter((one) => one.source === source && isOwnSeries(one, settings.ip))) {
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
    const { id, created, state, suspect, corrupt, mirror, clockDoubt } = infoOfSnapshot(snapshot)
    const holds = mirror ? ['mirror'] : []
    return { name: id, created, state, suspect, sequence: n, corrupt, holds, rid: id, clockDoubt }
  })
}

/** Prunes, notes the damage it finds and removes notes of damage that is gone. */
async function pruneAndNoteDamage(repository: Repository, run: ExpireRun): Promise<void> {
  const { store, context } = run
  const noting = { store, ip: context.settings.ip, repository, nowMs: readRunTime(context).nowMs }
  try {
    await pruneRepository(repository, run)
  } catch (error) {
    await noteDamagedPacks(noting).catch(() => {})
    throw error
  }
  await ignoreStoreFull(tidyDamage(noting), run)
}

async function pruneRepository(repository: Repository, run: ExpireRun): Promise<void> {
  const { store, context } = run
  context.progress({ phase: 'prune' })
  const options: PruneOptions = {
    takeLock: announcing(repository, run),
    signal: context.signal,
    pause: () => wait(2 * LOCK_RETRY_MS, undefined, { signal: context.signal }),
    onProgress: ({ bytesFreed: bytesDone }) => context.progress({ bytesDone }),
  }
  const { bytesFreed } = await store.withReserve(() => prune(repository, options))
  run.bytesFreed = bytesFreed
}

/** Announces the run when it gets the exclusive lock, because nothing is deleted before that. */
function announcing(repository: Repository, { context, lockWaitMs }: ExpireRun): TakeLock {
  const takeLock = takeLockOf(
    repository,
    { dataDir: context.settings.dataDir, signal: context.signal },
    lockWaitMs,
  )
  return async (how) => {
    const lock = await takeLock(how)
    if (how.exclusive) await context.announce()
    return lock
  }
}
