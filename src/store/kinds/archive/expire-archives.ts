import { describeLock, findLocked } from '../../../objects/object-lock.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { type ExpireRule, type Expiry, readExpireMs } from '../../expiry.ts'
import { makePieceKey } from '../../layout.ts'
import { planRetention } from '../../retention.ts'

const PAGE = 1000
/** How many are deleted at a time, so that backups that want to publish wait only for moments. */
const BATCH_SIZE = 100

/** Deletes the full backups that are older than their volume's `expire`. */
export async function expireArchives(rules: readonly ExpireRule[], expiry: Expiry): Promise<void> {
  const { store, run } = expiry
  const oldest = await store.oldest(run.settings.ip)
  for (const rule of rules) {
    run.signal.throwIfAborted()
    await expireVolume(rule, oldest, expiry)
  }
}

/** @param oldest Source → unix ms of its oldest full backup; undefined if that is not known without a list of them */
async function expireVolume(
  rule: ExpireRule,
  oldest: ReadonlyMap<string, number> | undefined,
  expiry: Expiry,
): Promise<void> {
  const { store, run, expired: done } = expiry
  const { source } = rule
  const expireMs = readExpireMs(rule, run)
  if (expireMs === undefined) return
  const nowMs = run.now()
  if (oldest && nowMs - (oldest.get(source) ?? nowMs) <= expireMs) return
  const plan = async () => planRetention(await listFullBackups(source, expiry), { expireMs, nowMs })
  const { expired, stopped, delayed } = await plan()
  if (stopped !== null) return run.reportProblem(`${source}: ${stopped}`)
  if (delayed !== null) run.reportProblem(`${source}: ${delayed}`)
  const deletable = await leaveOutLocked(source, expired, expiry)
  if (deletable.length === 0) return
  await run.announce()
  run.log('info', `${deletable.length} backups of ${source} are older than ${rule.expire}`, {
    expired: deletable,
  })
  // A backup may have been deleted or found corrupt since, so the store makes the plan again under its lock.
  const stillDue = async () => (await plan()).expired
  for (let at = 0; at < deletable.length; at += BATCH_SIZE) {
    done.deleted.push(...(await store.remove(deletable.slice(at, at + BATCH_SIZE), stillDue)))
  }
}

/** Those that the store locks expire when their lock ends. */
async function leaveOutLocked(source: string, names: string[], { store, run }: Expiry): Promise<string[]> {
  const keys = new Map(names.map((name) => [makePieceKey(run.settings.ip, name, 'object'), name]))
  const locked = await findLocked(store.driver, [...keys.keys()])
  const [first] = locked
  if (!first) return names
  const [key, lock] = first
  const what = `${locked.size} expired backups of ${source} stay, such as "${keys.get(key)}"`
  run.reportKept(`${what}: ${describeLock(lock)}`)
  return names.filter((name) => !locked.has(makePieceKey(run.settings.ip, name, 'object')))
}

async function listFullBackups(source: string, { store, run }: Expiry): Promise<BackupInfo[]> {
  const backups: BackupInfo[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await store.list(run.settings.ip, { source, after, limit: PAGE })
    backups.push(...page.backups.filter((backup) => backup.mode === 'full'))
    after = page.next
    run.signal.throwIfAborted()
  }
  return backups
}
