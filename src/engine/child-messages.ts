import type { Json } from '../lib/errors.ts'
import type { FileHead } from '../wire/file-content.ts'
import type { Progress, RecordError } from '../wire/record.ts'
import type { RunEnd, RunTask } from './ports.ts'

/** A task as it crosses to the child. `idle`: it gets the lowest priority and may be paused. */
export type ChildTask = Omit<RunTask, 'signal' | 'killAfterMs' | 'pausing'> & { idle: boolean }

/** What the daemon sends to a child. A child has one run at a time. */
export type ToChild =
  | { kind: 'run'; task: ChildTask }
  /** Ends the current run; the reason becomes its error. */
  | { kind: 'abort'; reason: RecordError }
  /** Only to an idle run: it gives way, or goes on. */
  | { kind: 'pause'; isPaused: boolean }
  /** The last piece of content was taken. */
  | { kind: 'taken' }
  /** The answer to `announce`: null, or the error that kept the record from being written. */
  | { kind: 'announced'; refusal: RecordError | null }

/** What a child sends to the daemon, in order. */
export type FromChild =
  | { kind: 'progress'; change: Partial<Progress> }
  /** Work continues without progress to report. */
  | { kind: 'alive' }
  /** `message` is the last of `count` warnings. */
  | { kind: 'warn'; message: string; count: number }
  | { kind: 'log'; level: 'info' | 'warn' | 'error'; message: string; facts: Record<string, Json> }
  | { kind: 'announce' }
  /** RunContext.output */
  | { kind: 'head'; head: FileHead }
  | { kind: 'piece'; piece: Uint8Array }
  /** RunContext.owes */
  | { kind: 'owes'; ms: number }
  /** The run is over and its locks are released. `rss`: resident memory of the process, bytes. */
  | { kind: 'end'; end: RunEnd; rss: number }
