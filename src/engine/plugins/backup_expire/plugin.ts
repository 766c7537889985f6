import { openStore } from '../../../store/open-store.ts'
import { planRetention } from '../../../store/retention.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { expireArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import { type ExpireRun, parseExpireMs, reportProblem, type VolumeRule } from './expire-run.ts'
import { expireSeries } from './expire-series.ts'

const PAGE = 1000
/** How many are deleted at a time, so that backups that want to publish wait only for moments. */
const BATCH_SIZE = 100
/** Long enough for a slice of another prune; a backup may run for hours and is not waited for. */
const LOCK_WAIT_MS = 30_000

/**
 * Deletes full backups and snapshots that are older than their volume's `expire`, and prunes the repository once a day.
 * A mirror and the snapshot made from it never expire. Leaves no record if it deletes nothing.
 */
export const backupExpirePlugin: Plugin<VolumeRule[]> = {
  name: 'backup_expire',
  quiet: true,
  parseArgs: (raw) => parseRules(parseShape('The args of backup_expire', raw, expireArgsSchema).info),
  needs: () => [],
  async run(rules, context) {
    const { settings, clock, log } = context
    const warn = (message: string) => log('warn', message)
    const store = await openStore(settings.store, settings, { clock, warn })
    const run: ExpireRun = {
      ...{ store, context, deleted: [], deletedSnapshots: [], changed: [], problems: [] },
      ...{ oldest: await store.oldest(settings.ip), lockWaitMs: LOCK_WAIT_MS },
    }
    for (const rule of rules.filter(({ isSeries }) => !isSeries)) {
      context.signal.throwIfAborted()
      await expireVolume(rule, run)
    }
    await store.sweep(context.signal)
    await expireSeries(
      rules.filter(({ isSeries }) => isSeries),
      run,
    )
    await store.keepReserve()
    const { deleted, deletedSnapshots, changed, bytesFreed, problems } = run
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

/** `[source, expire, source, expire, …]`; the source of a series of snapshots ends in `@increment`. */
function parseRules(info: string[]): VolumeRule[] {
  const rules: VolumeRule[] = []
  for (let at = 0; at < info.length; at += 2) {
    const source = info[at] ?? ''
    const isSeries = source.endsWith('@increment')
    rules.push({ source: source.replace(/@increment$/, ''), isSeries, expire: info[at + 1] ?? '' })
  }
  return rules
}

async function expireVolume({ source, expire }: VolumeRule, run: ExpireRun): Promise<void> {
  const expireMs = parseExpireMs(expire)
  if (typeof expireMs === 'string') return reportProblem(run, `${source}: ${expireMs}`)
  const { store, context, oldest } = run
  const { nowMs } = readRunTime(context)
  if (oldest && nowMs - (oldest.get(source) ?? nowMs) <= expireMs) return
  const plan = async () => planRetention(await listFullBackups(source, run), { expireMs, nowMs })
  const { expired, stopped, delayed } = await plan()
  if (stopped !== null) return reportProblem(run, `${source}: ${stopped}`)
  if (delayed !== null) reportProblem(run, `${source}: ${delayed}`)
  if (expired.length === 0) return
  await context.announce()
  context.log('info', `${expired.length} backups of ${source} are older than ${expire}`, { expired })
  // A backup may have been deleted or found corrupt since, so the store makes the plan again under its lock.
  const stillDue = async () => (await plan()).expired
  for (let at = 0; at < expired.length; at += BATCH_SIZE) {
    run.deleted.push(...(await store.remove(expired.slice(at, at + BATCH_SIZE), stillDue)))
  }
}

async function listFullBackups(source: string, { store, context }: ExpireRun): Promise<BackupInfo[]> {
  const backups: BackupInfo[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await store.list(context.settings.ip, { source, after, limit: PAGE })
    backups.push(...page.backups.filter((backup) => backup.mode === 'full'))
    after = page.next
    context.signal.throwIfAborted()
  }
  return backups
}
