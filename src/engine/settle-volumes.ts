import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { newRid } from '../wire/ids.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RunEnd, RunnerEvents } from './ports.ts'
import { fromRecordError } from './record-error.ts'
import { lifeLock } from './run-locks.ts'

const ACTION = 'settle'

const namesSchema = z.array(z.string()).default([])
const settledSchema = z.object({
  volume: z.string(),
  rid: z.string(),
  outcome: z.string(),
  /** How many entries of a finished recover differ from the backup. */
  faults: z.number().default(0),
  /** What became of the hooks that it owed, one sentence each. */
  hooks: z.array(z.string()).optional(),
})
const lockedSchema = z.object({ volume: z.string(), journal: z.string().default(''), reason: z.string() })
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
  return parseAnswer(await runner.run({ ...task, locks: [lifeLock(rid)], killAfterMs: 0 }, on))
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
export function describeSettled({ outcome, hooks }: SettledVolume): string {
  return hooks ? `of an interrupted run, ${outcome}` : `an interrupted recover ${outcome}`
}

function parseAnswer(end: RunEnd): SettleAnswer {
  if ('error' in end) throw fromRecordError(end.error)
  return answerSchema.parse(end.result)
}
