import { z } from 'zod'
import { bigCount, moment, words } from './fields.ts'

/** A run with more phases has some of them joined. */
export const MAX_PHASES = 32
const MAX_NAME_LENGTH = 100

/** What every run does first: it waits for its turn, then it takes locks and opens what it needs. */
export const QUEUE_PHASE = 'queue'
export const START_PHASE = 'start'

/** A part of a run. */
export const runPhaseSchema = z.object({
  /** As in the progress of the run, or QUEUE_PHASE. */
  name: words.pipe(z.string().max(MAX_NAME_LENGTH)),
  start: moment,
  /** null until it ends; it stays null if nobody knows when the run ended, such as after a kill of the daemon. */
  end: moment.nullable(),
  /** Bytes that were done in it, counted as `bytesDone` of the progress. */
  bytes: bigCount,
})
export type RunPhase = z.infer<typeof runPhaseSchema>

export const runPhasesSchema = z.array(runPhaseSchema).max(MAX_PHASES)
