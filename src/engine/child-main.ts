import { systemClock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { loadKernel } from '../lib/kernel.ts'
import type { FromChild, ToChild } from './child-messages.ts'
import { type ChildRun, startChildRun } from './child-run.ts'
import type { Plugin } from './plugin.ts'
import { fromRecordError } from './record-error.ts'

/**
 * The main loop of a child process: runs the tasks that its parent sends, one at a time, and ends with its parent.
 * It ignores signals: Ctrl-C reaches the whole process group, but only the parent may end its children.
 */
export function serveRuns(plugins: readonly Plugin[]): void {
  endWithParent()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  let current: ChildRun | undefined
  process.on('message', (message: ToChild) => {
    if (message.kind === 'run')
      current = startChildRun(message.task, { plugins, clock: systemClock, send: sendToParent })
    else if (message.kind === 'pause') current?.pause(message.isPaused)
    else if (message.kind === 'abort') current?.abort(fromRecordError(message.reason))
    else if (message.kind === 'taken') current?.taken()
    else current?.announced(message.refusal && fromRecordError(message.refusal))
  })
}

function sendToParent(message: FromChild): void {
  process.send?.(message, (error) => {
    if (error) endNow()
  })
}

/** The parent passes its process id as the first argument; another PPID means that it is already gone. */
function endWithParent(): void {
  if (!process.send) throw new BackupdError('BAD_INPUT', 'Cannot run this file: only the daemon starts it')
  process.on('disconnect', endNow)
  loadKernel()?.signalOnParentDeath('SIGKILL')
  if (process.ppid !== Number(process.argv[2])) endNow()
}

/** The parent is gone. Not process.exit, which terminates threads: see lib/thread.ts. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL')
}
