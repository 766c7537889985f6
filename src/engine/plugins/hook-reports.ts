import type { HookReport } from '../../hooks/describe-call.ts'
import { messageOf } from '../../lib/errors.ts'
import type { RunContext } from '../plugin.ts'

export function logHook(report: HookReport, { log }: Pick<RunContext, 'log'>): void {
  const { title, failure, word: hook, container, attempt, exitCode, stdout, stderr } = report
  const facts = { hook, container, attempt, exitCode, stdout, stderr }
  log(failure ? 'warn' : 'info', failure || `${title} succeeded`, facts)
}

export function describeUnsaved(error: unknown): string {
  return `what the hooks did could not be noted (${messageOf(error)}): if the daemon is killed now, they are run again. Make room in its data directory`
}
