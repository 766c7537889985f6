import { parseExpire } from '../../../lib/durations.ts'
import { messageOf } from '../../../lib/errors.ts'
import { planRetention } from '../../../storage/store/retention.ts'
import { openStore, type Store } from '../../../storage/store/store.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { expireArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin, RunContext } from '../../plugin.ts'

interface VolumeRule {
  source: string
  /** As the inventory writes it: `30d`. */
  expire: string
}

const PAGE = 1000
/** Deleted in one go, so that backups that want to publish wait for moments only. */
const AT_ONCE = 100

/**
 * Deletes full backups that are older than their volume's `expire`. A mirror has but one state, its newest, and so
 * never expires. Leaves no record where it deletes nothing.
 */
export const backupExpirePlugin: Plugin<VolumeRule[]> = {
  name: 'backup_expire',
  quiet: true,
  parseArgs: (raw) => rulesOf(parseShape('The args of backup_expire', raw, expireArgsSchema).info),
  needs: () => [],
  async run(rules, context) {
    const { settings, clock, log } = context
    const warn = (message: string) => log('warn', message)
    const store = await openStore(settings.store, settings, clock, { warn })
    const run: ExpireRun = {
      ...{ store, context, deleted: [], problems: [] },
      oldest: await store.oldest(settings.ip),
    }
    for (const rule of rules) {
      context.signal.throwIfAborted()
      await expireVolume(rule, run)
    }
    await store.sweep(context.signal)
    const { deleted, problems } = run
    return {
      state: problems.length > 0 ? 'partial' : 'success',
      reason: problems.join('; '),
      result: { deleted },
    }
  },
}

interface ExpireRun {
  store: Store
  context: RunContext
  /** Source → unix ms of its oldest backup; undefined where that takes a closer look. */
  oldest: Map<string, number> | undefined
  deleted: string[]
  problems: string[]
}

/** `[source, expire, source, expire, …]`. Increments are series of snapshots, with a retention of their own. */
function rulesOf(info: string[]): VolumeRule[] {
  const rules: VolumeRule[] = []
  for (let at = 0; at < info.length; at += 2)
    rules.push({ source: info[at] ?? '', expire: info[at + 1] ?? '' })
  return rules.filter((rule) => !rule.source.endsWith('@increment'))
}

async function expireVolume({ source, expire }: VolumeRule, run: ExpireRun): Promise<void> {
  const expireMs = msOf(expire)
  if (typeof expireMs === 'string') return tell(run, `${source}: ${expireMs}`)
  const { store, context, oldest } = run
  const nowMs = context.clock.now()
  if (oldest && nowMs - (oldest.get(source) ?? nowMs) <= expireMs) return
  const plan = async () => planRetention(await fullBackupsOf(source, run), { expireMs, nowMs })
  const { expired, stopped } = await plan()
  if (stopped !== null) return tell(run, `${source}: ${stopped}`)
  if (expired.length === 0) return
  await context.announce()
  context.log('info', `${expired.length} backups of ${source} are older than ${expire}`, { expired })
  // A backup may have been deleted or found corrupt since: the plan is made again where nobody else can change it.
  const stillDue = async () => (await plan()).expired
  for (let at = 0; at < expired.length; at += AT_ONCE) {
    run.deleted.push(...(await store.remove(expired.slice(at, at + AT_ONCE), stillDue)))
  }
}

function msOf(expire: string): number | string {
  try {
    return parseExpire(expire)
  } catch (error) {
    return messageOf(error)
  }
}

async function fullBackupsOf(source: string, { store, context }: ExpireRun): Promise<BackupInfo[]> {
  const backups: BackupInfo[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await store.list(context.settings.ip, { source, after, limit: PAGE })
    backups.push(...page.backups.filter((backup) => backup.mode === 'full'))
    after = page.next
    context.signal.throwIfAborted()
  }
  return backups
}

/** In the record, where there is one, and in the log in any case. */
function tell({ context, problems }: ExpireRun, problem: string): void {
  problems.push(problem)
  context.warn(problem)
  context.log('warn', problem)
}
