import { DAY_MS } from '../lib/time-units.ts'
import type { Job } from '../wire/job.ts'

/** The sleep mark of a job that left the list, kept for the next job of the same volume. */
export interface SleepMark {
  /** Identifies the job without its schedule: see sleepKey. */
  key: string
  /** Unix ms. */
  leftAt: number
}

/** A mark is dropped after this long: a volume added again so late is meant to be backed up. */
export const MAX_SLEEP_MARK_AGE_MS = 30 * DAY_MS
const MAX_SLEEP_MARKS = 10_000

export interface SleepCarrier {
  /** Whether this new job takes over the mark of a job that left. Each mark goes to one job only. */
  claim(job: Job): boolean
  /** The marks that no job took over. */
  rest(): SleepMark[]
}

/**
 * Carries sleep marks from jobs that left the list to later jobs of the same volume. This is needed because an edited
 * schedule makes a new job, and an inventory file written in two steps lacks a volume for a moment.
 */
export function carrySleep(left: readonly SleepMark[], leaving: readonly Job[], nowMs: number): SleepCarrier {
  const marks = [...left, ...leaving.map((job) => ({ key: sleepKey(job), leftAt: nowMs }))]
  return {
    claim(job) {
      const at = marks.findIndex(({ key }) => key === sleepKey(job))
      if (at >= 0) marks.splice(at, 1)
      return at >= 0
    },
    rest: () => marks.filter(({ leftAt }) => nowMs - leftAt < MAX_SLEEP_MARK_AGE_MS).slice(-MAX_SLEEP_MARKS),
  }
}

function sleepKey({ id, action, args }: Job): string {
  const { app, proc, instanceNo, volume, mode } = args
  if (typeof volume !== 'string' || volume === '') return JSON.stringify([action, id])
  return JSON.stringify([action, app, proc, String(instanceNo), volume, mode || 'full'])
}
