import type { ExpireRule, ExpireRun } from '../../../store/expiry.ts'
import { expireArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'
import { parseLegacySource } from '../../../wire/legacy-source.ts'
import type { Plugin, RunContext } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import { openRunStore } from '../open-run-store.ts'

/** Long enough for a slice of another prune; a backup may run for hours and is not waited for. */
const LOCK_WAIT_MS = 30_000

/**
 * Deletes backups that are older than their volume's `expire`, and prunes the increments once a day. Leaves no record if
 * it deletes nothing.
 */
export const backupExpirePlugin: Plugin<ExpireRule[]> = {
  name: 'backup_expire',
  quiet: true,
  parseArgs: (raw) => parseRules(parseShape('The args of backup_expire', raw, expireArgsSchema).info),
  needs: () => [],
  async run(rules, context) {
    const problems: string[] = []
    const run = describeRun(context, problems)
    const store = await openRunStore(context, run.reportProblem)
    context.progress({ phase: 'expire' })
    const expired = await store.expire(rules, run)
    const { deleted, deletedSnapshots, changed, bytesFreed } = expired
    return {
      state: problems.length > 0 ? 'partial' : 'success',
      reason: problems.join('; '),
      result: {
        deleted,
        ...(deletedSnapshots.length > 0 && { deletedSnapshots, changed }),
        ...(bytesFreed !== undefined && { bytesFreed }),
      },
    }
  },
}

/** `[legacy source, expire, legacy source, expire, …]` */
function parseRules(info: string[]): ExpireRule[] {
  const rules: ExpireRule[] = []
  for (let at = 0; at < info.length; at += 2)
    rules.push({ ...parseLegacySource(info[at] ?? ''), expire: info[at + 1] ?? '' })
  return rules
}

/** @param problems collects those that are reported; they also go to the log and to the record, if there is one */
function describeRun(context: RunContext, problems: string[]): ExpireRun {
  const { settings, signal, announce, progress, log, warn } = context
  return {
    settings,
    signal,
    announce,
    progress,
    log,
    lockWaitMs: LOCK_WAIT_MS,
    now: () => readRunTime(context).nowMs,
    reportKept(what) {
      warn(what)
      log('info', what)
    },
    reportProblem(problem) {
      problems.push(problem)
      warn(problem)
      log('warn', problem)
    },
  }
}
