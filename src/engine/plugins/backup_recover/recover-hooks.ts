import { listRecoverHooks } from '../../../wire/hook.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { openRunHooks, type RunHooks } from '../run-hooks.ts'

/** Checks where the hooks of a recover would run. Throws FORBIDDEN, NOT_FOUND, HOOK_FAILED. */
export function openRecoverHooks(
  { hooks, app, proc }: RecoverArgs,
  context: RunContext,
  volume: { path: string },
): Promise<RunHooks> {
  const { containers = [], volume: name = '', ...written } = hooks ?? {}
  const env = {
    BACKUPD_HOOK_RUN: context.rid,
    BACKUPD_HOOK_APP: app,
    BACKUPD_HOOK_PROC: proc,
    BACKUPD_HOOK_VOLUME: name,
  }
  const warn = (message: string) => context.warn(message)
  const run = { volume: volume.path, written: listRecoverHooks(written), containers, env, warn }
  return openRunHooks(run, context)
}

/** Runs `post_recover`, and adds to the outcome what became of the hooks. */
export async function closeRecover(
  outcome: RunOutcome,
  hooks: RunHooks,
  { warn }: Pick<RunContext, 'warn'>,
): Promise<RunOutcome> {
  const { whyNotRun } = hooks
  const notRun = whyNotRun === undefined ? [] : [`its hooks were not run: ${whyNotRun}`]
  const failures = [...notRun, ...(await hooks.finish(outcome.state))]
  for (const failure of failures) warn(failure)
  return {
    state: failures.length > 0 ? 'partial' : outcome.state,
    reason: [outcome.reason, ...failures].filter((text) => text !== '').join('; '),
    result: { ...outcome.result, ...(hooks.ended.length > 0 && { hooks: [...hooks.ended] }) },
  }
}
