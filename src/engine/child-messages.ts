import type { Json } from '../lib/errors.ts'
import type { Progress, RecordError } from '../wire/record.ts'
import type { RunEnd, RunTask } from './ports.ts'

/** What the daemon tells a child. One run at a time. */
export type ToChild =
  | { kind: 'run'; task: Omit<RunTask, 'signal' | 'killAfterMs'> }
  /** End the current run; the reason becomes its error. */
  | { kind: 'abort'; reason: RecordError }
  /** The answer to `announce`: null, or why the record could not be written. */
  | { kind: 'announced'; refusal: RecordError | null }

/** What a child tells the daemon, in order. */
export type FromChild =
  | { kind: 'progress'; change: Partial<Progress> }
  /** Work goes on that tells no progress. */
  | { kind: 'alive' }
  /** `count` warnings, of which `message` is the last. */
  | { kind: 'warn'; message: string; count: number }
  | { kind: 'log'; level: 'info' | 'warn' | 'error'; message: string; facts: Record<string, Json> }
  | { kind: 'announce' }
  /** The run is over, its locks are free; `rss` is what the process holds now, bytes. */
  | { kind: 'end'; end: RunEnd; rss: number }
