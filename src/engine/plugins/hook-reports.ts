import type { HookReport } from '../../hooks/describe-call.ts'
import type { RunContext } from '../plugin.ts'

export function logHook(report: HookReport, { log }: Pick<RunContext, 'log'>): void {
  const { title, failure, word: hook, container, attempt, exitCode, stdout, stderr } = report
  const facts = { hook, container, attempt, exitCode, stdout, stderr }
  log(failure ? 'warn' : 'info', failure || `${title} succeeded`, facts)
}
