import type { HookRun } from '../wire/record.ts'
import type { HookReport } from './describe-call.ts'

/** How much of each stream goes into the record; the log has all that was kept. */
const MAX_RECORD_OUTPUT = 2048

/** The call as the record of its run has it. */
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
