import type { HookReport } from '../../hooks/describe-call.ts'
import type { HookRun } from '../../wire/record.ts'
import type { RunContext } from '../plugin.ts'

/** How much of each stream goes into the record; the log has all that was kept. */
const MAX_RECORD_OUTPUT = 2048

export function logHook(report: HookReport, { log }: Pick<RunContext, 'log'>): void {
  const { title, failure, word: hook, container, attempt, exitCode, stdout, stderr } = report
  const facts = { hook, container, attempt, exitCode, stdout, stderr }
  log(failure ? 'warn' : 'info', failure || `${title} succeeded`, facts)
}

export function makeHookRun({ word, container, attempt, failure, exitCode, ...output }: HookReport): HookRun {
  return {
    hook: word,
    container,
    attempt,
    failure,
    exitCode,
    stdout: output.stdout.slice(-MAX_RECORD_OUTPUT),
    stderr: output.stderr.slice(-MAX_RECORD_OUTPUT),
  }
}
