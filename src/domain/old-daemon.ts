import { type Capability, hasCapability } from '../wire/capabilities.ts'
import type { PlannedJob } from './plan.ts'
import type { ServerState } from './server-state.ts'

/** What an older daemon does with jobs that it does not fully understand. */
const SENTENCES: Partial<Record<Capability, string>> = {
  'verify-schedule': 'Its daemon is older and does not verify on a schedule: upgrade it',
  'end-hooks': 'Its daemon is older and ignores the hooks on_failure and always: upgrade it',
}

/** Why the daemon does not run the job as it is written; null if it does, or if it has not answered yet. */
export function describeOldDaemon(
  { needs }: Pick<PlannedJob, 'needs'>,
  server: ServerState | undefined,
): string | null {
  if (needs === null || !server?.debug || hasCapability(server.debug, needs)) return null
  return SENTENCES[needs] ?? null
}

/** The hooks of these jobs that the daemon would ignore without a word; empty if it runs them all. */
export function listIgnoredHooks(jobs: readonly PlannedJob[], server: ServerState): string[] {
  const hooked = jobs.find(({ needs }) => needs === 'end-hooks')
  const problem = hooked && describeOldDaemon(hooked, server)
  return problem ? [problem] : []
}
