import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { newRid } from '../lib/ids.ts'
import { FINISHED } from '../wire/failed-run.ts'
import type { RunRecord } from '../wire/record.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RunEnd, RunnerEvents } from './ports.ts'
import { fromRecordError, toRecordError } from './record-error.ts'
import { leftLifeLocks, lifeLock, takeLocks } from './run-locks.ts'

export interface SettleReport {
  /** rids of an earlier life that now read failed, DAEMON_RESTARTED. */
  ended: string[]
  /** Volumes that nothing may touch, and why. */
  locked: { volume: string; reason: string }[]
}

/** How long processes of an earlier life may take to be gone: they are killed with their parent. */
const LIFE_WAIT_MS = 20_000
const ACTION = 'settle'

const namesSchema = z.array(z.string()).default([])
const answerSchema = z.object({
  locked: z.array(z.object({ volume: z.string(), reason: z.string() })),
  settled: z.array(z.object({ volume: z.string(), rid: z.string(), outcome: z.string() })).default([]),
  rolledForward: namesSchema,
  swept: namesSchema,
  unknown: namesSchema,
  storeError: z.object({ message: z.string() }).optional(),
})
type Answer = z.infer<typeof answerSchema>

type SettleOptions = Pick<EngineOptions, 'clock' | 'log' | 'plugins' | 'runner' | 'memory' | 'settings'> & {
  /** false where the store does not answer: the volumes do not wait for it. */
  withStore: boolean
}

/**
 * What an earlier life left unfinished is put in order, before anything new begins: first the life locks of its
 * runs, so that none of them still works; then the volumes, by the action `settle`; then the records. Where that
 * cannot be done, every volume is locked: a backup of a half swapped volume must not pass for a good one.
 */
export async function settle(options: SettleOptions): Promise<SettleReport> {
  try {
    const locks = await takeLocks(options.settings.dataDir, await leftLifeLocks(options.settings.dataDir), {
      waitMs: LIFE_WAIT_MS,
    })
    try {
      const answer = await settleVolumes(options)
      if (answer) tell(options, answer)
      return { ended: await endRecords(options, answer), locked: answer?.locked ?? [] }
    } finally {
      locks.release()
    }
  } catch (error) {
    options.log.error(
      { error: messageOf(error) },
      'the last runs could not be settled; every volume is locked',
    )
    return {
      ended: [],
      locked: [
        {
          volume: '/',
          reason: `the last runs could not be settled (${messageOf(error)}); see the log and start again`,
        },
      ],
    }
  }
}

/** undefined where no such action is known. */
async function settleVolumes(
  options: SettleOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer | undefined> {
  if (!options.plugins.some(({ name }) => name === ACTION)) return undefined
  const rid = newRid(options.clock.now())
  const { settings, withStore } = options
  const on: RunnerEvents = {
    progress() {},
    warn: (message) => options.log.warn({ action: ACTION }, message),
    log: (level, message, facts = {}) => options.log[level]({ action: ACTION, ...facts }, message),
    announce: async () => {},
  }
  const end = await options.runner.run(
    {
      rid,
      jobId: '',
      action: ACTION,
      args: { withStore },
      settings,
      signal,
      locks: [lifeLock(rid)],
      killAfterMs: 0,
    },
    on,
  )
  return answerOf(end)
}

/** Between two tries to settle what a killed run left. */
const SETTLE_AGAIN_MS = 30_000
/** A volume whose mount does not answer again would hold up the process. */
const SETTLE_MS = 60_000

/** What a run left that was killed: tried until it is settled, or the daemon stops. Never rejects. */
export async function settleKilled(
  options: Omit<SettleOptions, 'withStore'>,
  volumes: readonly string[],
  isClosing: () => boolean,
): Promise<void> {
  if (volumes.length === 0) return
  while (!isClosing()) {
    try {
      const answer = await settleVolumes({ ...options, withStore: false }, AbortSignal.timeout(SETTLE_MS))
      const [locked] = answer?.locked.filter(({ volume }) => volumes.includes(volume)) ?? []
      for (const one of answer?.settled ?? [])
        options.log.warn(one, `a recover that was killed ${one.outcome}`)
      if (!locked) return
      options.log.error(locked, `The volume ${locked.volume} is locked: ${locked.reason}`)
    } catch (error) {
      options.log.error(
        { volumes },
        `What a killed run left cannot be settled: ${messageOf(error)}. It is tried again`,
      )
    }
    await sleep(SETTLE_AGAIN_MS, undefined, { ref: false })
  }
}

function answerOf(end: RunEnd): Answer {
  if ('error' in end) throw fromRecordError(end.error)
  return answerSchema.parse(end.result)
}

/** What was done without being asked, and what is strange: in the log, since no record tells of it. */
function tell({ log }: SettleOptions, answer: Answer): void {
  for (const one of answer.settled) log.warn(one, `a recover that had stopped half way ${one.outcome}`)
  for (const name of answer.rolledForward) log.warn({ name }, 'a backup that was whole is published now')
  for (const name of answer.swept) log.info({ name }, 'a temporary file of a run that was killed is gone')
  for (const name of answer.unknown)
    log.warn({ name }, 'nobody here made this; it lies in the store untouched')
  if (answer.storeError) log.error({}, `the store could not be put in order: ${answer.storeError.message}`)
}

const STOPPED = 'The daemon stopped while this ran'
const BY_OUTCOME: Record<string, string> = {
  [FINISHED]: `${STOPPED}, and finished it when it started again: the volume holds what the backup holds`,
  'went back': `${STOPPED}, and took it back when it started again: the volume is as it was. Run it again`,
}

async function endRecords({ memory, clock }: SettleOptions, answer: Answer | undefined): Promise<string[]> {
  const outcomes = new Map(answer?.settled.map(({ rid, outcome }) => [rid, outcome]))
  const ended = memory.unfinished().map((record): RunRecord => {
    const outcome = outcomes.get(record.rid) ?? null
    const message = BY_OUTCOME[outcome ?? ''] ?? `${STOPPED}: run it again`
    const error = toRecordError(new BackupdError('DAEMON_RESTARTED', message, { facts: { outcome } }))
    const end = { state: 'failed', end: isoTime(clock.now()), reason: error.message, error } as const
    return { ...record, ...end, seq: record.seq + 1 }
  })
  if (ended.length > 0) await memory.keep(ended)
  return ended.map(({ rid }) => rid)
}
