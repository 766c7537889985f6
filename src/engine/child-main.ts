import { BackupdError } from '../lib/errors.ts'
import { loadKernel } from '../lib/kernel.ts'
import type { FromChild, ToChild } from './child-messages.ts'
import { type ChildRun, startChildRun } from './child-run.ts'
import type { Plugin } from './plugin.ts'
import { fromRecordError } from './record-error.ts'

/**
 * A child process: runs one task at a time of those its parent sends, and ends with its parent.
 * Ctrl-C reaches the whole process group; it is the parent's to end its children, so the signals are let pass.
 */
export function serveRuns(plugins: readonly Plugin[]): void {
  endWithParent()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  let current: ChildRun | undefined
  process.on('message', (message: ToChild) => {
    if (message.kind === 'run') current = startChildRun(message.task, { plugins, send })
    else if (message.kind === 'abort') current?.abort(fromRecordError(message.reason))
    else current?.announced(message.refusal && fromRecordError(message.refusal))
  })
}

function send(message: FromChild): void {
  process.send?.(message, (error) => {
    if (error) endAtOnce()
  })
}

/** The parent hands its process id as the first argument. */
function endWithParent(): void {
  if (!process.send) throw new BackupdError('BAD_INPUT', 'This file is run by the daemon, not by hand')
  process.on('disconnect', endAtOnce)
  loadKernel()?.signalOnParentDeath('SIGKILL')
  if (process.ppid !== Number(process.argv[2])) endAtOnce()
}

/** Nobody hears it any more. Not by exit, which terminates threads: see lib/thread.ts. */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL')
}
