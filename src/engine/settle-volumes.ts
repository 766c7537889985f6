import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { newRid } from '../wire/ids.ts'
import { hookRunSchema } from '../wire/record.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RunEnd, RunnerEvents } from './ports.ts'
import { fromRecordError } from './record-error.ts'
import { lifeLock } from './run-locks.ts'

const ACTION = 'settle'

const namesSchema = z.array(z.string()).default([])
const settledSchema = z.object({
  volume: z.string(),
  rid: z.string(),
  /** What became of its recover; null if that did not have to be settled. */
  outcome: z.string().nullable().default(null),
  /** How many entries of a finished recover differ from the backup. */
  faults: z.number().default(0),
  /** What became of the hooks that it owed, one sentence each. */
  hooks: z.array(z.string()).optional(),
  /** All calls of its hooks, if it owed some. */
  hookRuns: z.array(hookRunSchema).optional(),
  /** The journal of its hooks, if it cannot be read: then none was run. */
  unreadableHooks: z.string().optional(),
})
const lockedSchema = z.object({
  volume: z.string(),
  journal: z.string().default(''),
  reason: z.string(),
  ...settledSchema.pick({ hooks: true, hookRuns: true }).shape,
})
const volumeRunSchema = z.object({ volume: z.string(), rid: z.string() })
const answerSchema = z.object({
  locked: z.array(lockedSchema),
  settled: z.array(settledSchema).default([]),
  /** Interrupted copies in place that were left untouched. */
  copies: z.array(volumeRunSchema).default([]),
  /** Interrupted runs with hooks to be run, which were left untouched. */
  owedHooks: z.array(volumeRunSchema).default([]),
  rolledForward: namesSchema,
  swept: namesSchema,
  unknown: namesSchema,
  storeError: z.object({ message: z.string() }).optional(),
})
export type SettleAnswer = z.infer<typeof answerSchema>
export type SettledVolume = z.infer<typeof settledSchema>
export type UnsettledVolume = z.infer<typeof lockedSchema>

/** An interrupted run that is finished while other jobs run. */
export interface UnfinishedRun {
  volume: string
  rid: string
  owes: 'copy' | 'hooks'
  /** What was settled of it already. */
  settled?: SettledVolume | undefined
}

export type VolumeSettling = Pick<EngineOptions, 'clock' | 'log' | 'plugins' | 'runner' | 'settings'>

export interface SettleTask {
  /** false if the store does not answer, so that the volumes do not wait for it. */
  withStore: boolean
  /** Finish interrupted copies in place and hooks of these volumes only. */
  copiesOf: readonly string[]
  /** Kill the process if it makes no progress for this long; never if left out. */
  idleMs?: number
}

/** Runs the action `settle` in a child process. Returns undefined if no plugin has that name. */
export async function settleVolumes(
  { clock, log, plugins, runner, settings }: VolumeSettling,
  { idleMs, ...args }: SettleTask,
): Promise<SettleAnswer | undefined> {
  if (!plugins.some(({ name }) => name === ACTION)) return undefined
  const rid = newRid(clock.now())
  using limit = limitIdleTime(idleMs, clock)
  const { signal, noteLife } = limit
  const on: RunnerEvents = {
    progress: noteLife,
    alive: noteLife,
    warn: (message) => log.warn({ action: ACTION }, message),
    log: (level, message, facts = {}) => log[level]({ action: ACTION, ...facts }, message),
    announce: async () => {},
  }
  const task = { rid, jobId: '', action: ACTION, args: { ...args }, settings, signal }
  const answer = parseAnswer(await runner.run({ ...task, locks: [lifeLock(rid)], killAfterMs: 0 }, on))
  return { ...answer, settled: mergeSettled(answer.settled) }
}

/** One entry for each run: a recover has one for its volume and one for its hooks. */
function mergeSettled(settled: readonly SettledVolume[]): SettledVolume[] {
  const runs = Map.groupBy(settled, ({ rid }) => rid).values()
  return [...runs].map((parts) => parts.reduce((sum, part) => joinSettled(sum, part)))
}

/** Adds what was settled of the same run later. */
export function joinSettled(before: SettledVolume | undefined, later: SettledVolume): SettledVolume {
  if (!before) return later
  const { outcome, faults } = later.outcome === null ? before : later
  return { ...before, ...later, outcome, faults }
}

function limitIdleTime(
  ms: number | undefined,
  clock: Clock,
): Disposable & { signal: AbortSignal; noteLife(): void } {
  const aborting = new AbortController()
  const { signal } = aborting
  if (ms === undefined) return { signal, noteLife() {}, [Symbol.dispose]() {} }
  const message = `It made no progress for ${ms / 60_000} minutes: check whether the volume's mount answers`
  const late = () => aborting.abort(new BackupdError('TIMED_OUT', message))
  let limit = clock.after(ms, late)
  const end = () => limit[Symbol.dispose]()
  const noteLife = () => {
    end()
    limit = clock.after(ms, late)
  }
  return { signal, noteLife, [Symbol.dispose]: end }
}

/** For the log. */
export function describeSettled({ outcome, ...hooks }: SettledVolume): string {
  const recover = outcome === null ? [] : [`an interrupted recover ${outcome}`]
  return [...recover, ...describeHooks(hooks).map((what) => `of an interrupted run, ${what}`)].join('; ')
}

/** What became of the hooks of an interrupted run; empty if it has none. */
export function describeHooks({
  hooks,
  unreadableHooks: file,
}: Pick<SettledVolume, 'hooks' | 'unreadableHooks'>): string[] {
  const unreadable = `its hooks could not be run, because "${file}" cannot be read: do by hand what they would, then delete that file`
  return [...(hooks ? [describeFinishedHooks(hooks)] : []), ...(file === undefined ? [] : [unreadable])]
}

/** `its hooks were run: the hook post_run (resume.sh) on this machine succeeded` */
export function describeFinishedHooks(hooks: readonly string[]): string {
  return hooks.length === 0 ? 'no hook had to be run' : `its hooks were run: ${hooks.join('; ')}`
}

function parseAnswer(end: RunEnd): SettleAnswer {
  if ('error' in end) throw fromRecordError(end.error)
  return answerSchema.parse(end.result)
}
