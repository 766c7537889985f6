import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { FINISHED, STORED } from '../wire/failed-run.ts'
import { MAX_HOOK_RUNS, MAX_WARNINGS, type RunRecord } from '../wire/record.ts'
import type { EngineOptions } from './engine-options.ts'
import { toRecordError } from './record-error.ts'
import { acquireLocks, listLifeLocks } from './run-locks.ts'
import { makeStateLine } from './run-log.ts'
import {
  describeHooks,
  describeSettled,
  type SettleAnswer,
  type SettledVolume,
  settleVolumes,
  type UnfinishedRun,
  type UnsettledVolume,
} from './settle-volumes.ts'

export interface SettleReport {
  /** rids of interrupted runs, whose records now read failed, DAEMON_RESTARTED. */
  ended: string[]
  /** Volumes that no run may touch, and why. */
  locked: { volume: string; reason: string }[]
  /** Still to be finished while other jobs run. */
  unfinished: UnfinishedRun[]
}

/** How long to wait for children of the previous daemon process to exit; they are killed with their parent. */
const CHILDREN_EXIT_MS = 20_000
/** The longest delay between two tries. */
const MAX_RETRY_DELAY_MS = 30_000

type SettleOptions = Pick<EngineOptions, 'clock' | 'log' | 'plugins' | 'runner' | 'memory' | 'settings'> & {
  /** false if the store does not answer, so that the volumes do not wait for it. */
  withStore: boolean
}

/** Runs of the previous daemon process: found once, before new ones begin. */
interface Interrupted {
  rids: ReadonlySet<string>
  lifeLocks: string[]
}

export interface Settling {
  isClosing(): boolean
  /** Called if a later try succeeds. */
  onSettled(report: SettleReport): void
}

/**
 * Cleans up after runs that the end of the previous daemon process interrupted, before anything new begins: acquires
 * their life locks, so that none still runs; settles the volumes with the action `settle`; ends the records. If that
 * fails, it reports that every volume is to be locked, because a backup of a half swapped volume would count as a good
 * one, and tries again until it succeeds or the daemon stops.
 */
export async function settle(options: SettleOptions, settling: Settling): Promise<SettleReport> {
  const { log, memory, settings } = options
  let interrupted: Interrupted | undefined
  const attempt = async () => {
    interrupted ??= {
      rids: new Set(memory.unfinished().map(({ rid }) => rid)),
      lifeLocks: await listLifeLocks(settings.dataDir),
    }
    return await settleInterrupted(options, interrupted)
  }
  try {
    return await attempt()
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the last runs could not be settled; every volume is locked')
    void retry(attempt, options, settling)
    const reason = `the last runs could not be settled (${messageOf(error)}); the daemon tries again on its own. Check whether the mounts of the volumes and of the store answer`
    return { ended: [], unfinished: [], locked: [{ volume: '/', reason }] }
  }
}

async function retry(
  attempt: () => Promise<SettleReport>,
  { log }: SettleOptions,
  { isClosing, onSettled }: Settling,
): Promise<void> {
  for (let failures = 1; ; failures++) {
    await sleep(backoffMs(failures, MAX_RETRY_DELAY_MS), undefined, { ref: false })
    if (isClosing()) return
    try {
      const report = await attempt()
      log.warn({}, 'the last runs are settled now; the volumes are free')
      return onSettled(report)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the last runs could still not be settled')
    }
  }
}

async function settleInterrupted(options: SettleOptions, interrupted: Interrupted): Promise<SettleReport> {
  const { settings, withStore, clock } = options
  const locks = await acquireLocks(settings.dataDir, interrupted.lifeLocks, {
    wait: { ms: CHILDREN_EXIT_MS, clock },
  })
  try {
    const answer = await settleVolumes(options, { withStore, copiesOf: [] })
    if (answer) logAnswer(options, answer)
    const { locked = [], settled = [] } = answer ?? {}
    const unfinished = listUnfinished(answer)
    return {
      ended: await endRecords(options, interrupted, { settled, unfinished }),
      locked: locked.map(({ volume, reason }) => ({ volume, reason })),
      unfinished,
    }
  } finally {
    locks.release()
  }
}

function listUnfinished(answer: Partial<SettleAnswer> = {}): UnfinishedRun[] {
  const { copies = [], owedHooks = [], settled = [] } = answer
  const hooks = owedHooks.filter(({ rid }) => !copies.some((copy) => copy.rid === rid))
  const unfinished = [
    ...copies.map((copy) => ({ ...copy, owes: 'copy' as const })),
    ...hooks.map((run) => ({ ...run, owes: 'hooks' as const })),
  ]
  return unfinished.map((run) => ({ ...run, settled: settled.find(({ rid }) => rid === run.rid) }))
}

/** Logs what was settled and what was unexpected, because no record shows it. */
function logAnswer({ log }: SettleOptions, answer: SettleAnswer): void {
  for (const one of answer.settled) log.warn(one, describeSettled(one))
  for (const name of answer.rolledForward)
    log.warn({ name }, 'a complete backup of an interrupted run is published now')
  for (const name of answer.swept) log.info({ name }, 'a temporary file of a killed run was removed')
  for (const name of answer.unknown) log.warn({ name }, 'unknown object in the store; left untouched')
  if (answer.storeError) log.error({}, `the store could not be cleaned up: ${answer.storeError.message}`)
}

const STOPPED = 'The daemon stopped while this ran'
const UNFINISHED_COPY = ', in its copy in place, which cannot be finished yet'

/** How an interrupted run ended; neither field is set if it left nothing to settle. */
export interface InterruptedEnd {
  settled?: SettledVolume | undefined
  locked?: UnsettledVolume
  /** What cannot be done yet, if `locked` is set. */
  owes?: UnfinishedRun['owes']
}

async function endRecords(
  { memory, clock }: SettleOptions,
  { rids }: Interrupted,
  { settled, unfinished }: Pick<SettleAnswer, 'settled'> & Pick<SettleReport, 'unfinished'>,
): Promise<string[]> {
  const isUnfinished = (rid: string) => unfinished.some((run) => run.rid === rid)
  const ended = memory
    .unfinished()
    .filter(({ rid }) => rids.has(rid) && !isUnfinished(rid))
    .map((record) =>
      endInterrupted(record, { settled: settled.find(({ rid }) => rid === record.rid) }, clock),
    )
  for (const record of ended) memory.addLog(record.rid, [makeStateLine(record)])
  if (ended.length > 0) await memory.keep(ended)
  return ended.map(({ rid }) => rid)
}

export function endInterrupted(record: RunRecord, how: InterruptedEnd, clock: Clock): RunRecord {
  const error = toRecordError(makeEndError(how))
  const end = { state: 'failed', end: isoTime(clock.now()), reason: error.message, error } as const
  const { hooks = [], hookRuns = [] } = how.locked ?? how.settled ?? {}
  const warnings = [...record.warnings, ...hooks].slice(0, MAX_WARNINGS)
  const warningCount = record.warningCount + hooks.length
  const calls = hookRuns.slice(0, MAX_HOOK_RUNS)
  const result = calls.length === 0 ? record.result : { ...record.result, hooks: calls }
  return { ...record, ...end, warnings, warningCount, result, seq: record.seq + 1 }
}

function makeEndError({ settled, locked, owes }: InterruptedEnd): BackupdError {
  const { outcome = null, faults = 0, ...left } = settled ?? {}
  const hooks = describeHooks(left)
  const volume = describeSettledRun(outcome, faults)
  if (locked) {
    const { journal, reason } = locked
    const what = owes === 'hooks' ? `${volume}, and its hooks cannot be run yet` : UNFINISHED_COPY
    const message = `${STOPPED}${what} (see "${journal}"): ${reason}`
    return new BackupdError('VOLUME_LOCKED', message, { facts: { journal, reason } })
  }
  const done = [volume, ...hooks].join('; ')
  const facts = { ...((hooks.length === 0 || outcome) && { outcome }), ...(faults > 0 && { faults }) }
  const message = `${STOPPED}${done}${describeNextStep(outcome, done)}`
  return new BackupdError('DAEMON_RESTARTED', message, { facts })
}

function describeSettledRun(outcome: string | null, faults: number): string {
  if (outcome === 'went back') return ', and undid it at its next start: the volume is unchanged'
  if (outcome === STORED) return ', after its backup was stored'
  if (outcome !== FINISHED) return ''
  const exact = 'the volume has its new content'
  const inexact = `${faults} entries could not be restored exactly; the warnings and the log of the daemon name them`
  return `, and finished it at its next start: ${faults === 0 ? exact : inexact}`
}

function describeNextStep(outcome: string | null, done: string): string {
  if (outcome === FINISHED || outcome === STORED) return ''
  return done === '' ? ': run it again' : '. Run it again'
}
