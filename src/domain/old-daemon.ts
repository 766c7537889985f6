import { type Capability, hasCapability } from '../wire/capabilities.ts'
import type { PlannedJob } from './plan.ts'
import type { ServerState } from './server-state.ts'

/** What an older daemon does with jobs that it does not fully understand. */
const SENTENCES: Partial<Record<Capability, string>> = {
  'verify-schedule': 'Its daemon is older and does not verify on a schedule: upgrade it',
  'drill-schedule':
    'Its daemon drills nothing on a schedule: start it with --drill-dir DIR, or upgrade it if it has that',
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

/** What these jobs say that the daemon would ignore without a word: hooks and drills; empty if it does all of it. */
export function listIgnoredWishes(jobs: readonly PlannedJob[], server: ServerState): string[] {
  return (['end-hooks', 'drill-schedule'] as const).flatMap((capability) => {
    const job = jobs.find(({ needs }) => needs === capability)
    return (job && describeOldDaemon(job, server)) ?? []
  })
}
