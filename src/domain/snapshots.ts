import { type BackupInfo, hasSnapshots, type Series } from '../wire/backup.ts'
import { PageGuard } from '../wire/page-guard.ts'
import { MAX_PAGE_SIZE } from '../wire/page-limits.ts'
import type { QuestionArgs } from '../wire/questions.ts'
import type { DiffPage, FileHistory, SnapshotInfo, SnapshotPage } from '../wire/snapshot.ts'
import { type Answer, refuse } from './answer.ts'
import { askAbout, relistSoon } from './listing.ts'
import type { World } from './world.ts'

const NO_ID = ''

/** The snapshots of an increment after `after`, newest first; empty for a full backup or a mirror. */
export async function listSnapshots(
  world: World,
  backup: BackupInfo,
  { first, after = NO_ID }: { first: number; after?: string | undefined },
): Promise<SnapshotInfo[]> {
  if (!hasSnapshots(backup)) return []
  const found: SnapshotInfo[] = []
  let next: string | null = after
  const guard = new PageGuard(backup.server)
  while (next !== null && found.length < first) {
    const limit = Math.min(MAX_PAGE_SIZE, first - found.length)
    const request = { ...toBackupKey(backup), after: next === NO_ID ? null : next, limit }
    const page: SnapshotPage = await askAbout(world, 'snapshots', request)
    guard.check(page.snapshots.length, page.next)
    found.push(...page.snapshots)
    next = page.next
  }
  if (after === NO_ID && isStale(backup.series, found, next === null)) relistNow(world, backup)
  return found
}

/** Whether the catalog's series is outdated: another program, such as restic, changed it, or damage has healed. */
function isStale({ newest, snapshots, lastGood }: Series, found: SnapshotInfo[], isAll: boolean): boolean {
  if (found[0]?.id !== newest || (isAll && found.length !== snapshots)) return true
  const good = found.find((snapshot) => snapshot.good)
  return (good !== undefined || isAll) && good?.id !== lastGood?.id
}

/** It lists the namespace again in the background. */
export function relistNow(world: World, { server: ip }: BackupInfo): void {
  const server = world.servers.get(ip)
  if (server) relistSoon(world, server)
}

/** All snapshots of an increment, newest first, in pages. */
export async function* readSnapshots(world: World, backup: BackupInfo): AsyncGenerator<SnapshotInfo[]> {
  const guard = new PageGuard(backup.server)
  for (let after: string | null = null; ; ) {
    const request = { ...toBackupKey(backup), after, limit: MAX_PAGE_SIZE }
    const page: SnapshotPage = await askAbout(world, 'snapshots', request)
    guard.check(page.snapshots.length, page.next)
    yield page.snapshots
    if (page.next === null) return
    after = page.next
  }
}

/** Finds a snapshot by its id or a unique prefix of it. */
export async function getSnapshot(
  world: World,
  backup: BackupInfo,
  id: string,
): Promise<SnapshotInfo | undefined> {
  if (id === '') return undefined
  const all = await listSnapshots(world, backup, { first: Number.MAX_SAFE_INTEGER })
  const fits = all.filter((snapshot) => snapshot.id.startsWith(id))
  return fits.length === 1 ? fits[0] : undefined
}

export interface DiffQuestion {
  from: string
  /** The newest if left out. */
  to?: string | undefined
  after: string | null
  limit: number
}

/** The differences between two snapshots, sorted by path. */
export async function diffSnapshots(
  world: World,
  backup: BackupInfo,
  { to = NO_ID, ...question }: DiffQuestion,
): Promise<Answer<DiffPage>> {
  if (!hasSnapshots(backup)) return refuseWithoutSeries(backup)
  const request = { ...toBackupKey(backup), to, ...question }
  return await askAbout(world, 'diff', request)
}

export interface HistoryQuestion extends Pick<QuestionArgs<'history'>, 'path' | 'after'> {
  limit: number
}

/** The versions of one path in all snapshots, newest first. `next` is the `after` of the next page. */
export async function readFileHistory(
  world: World,
  backup: BackupInfo,
  { path, after, limit }: HistoryQuestion,
): Promise<Answer<FileHistory>> {
  if (!hasSnapshots(backup)) return refuseWithoutSeries(backup)
  const versions: FileHistory['versions'] = []
  let next = after
  const guard = new PageGuard(backup.server)
  do {
    const request = { ...toBackupKey(backup), path, after: next }
    const page = await askAbout(world, 'history', request)
    guard.check(page.versions.length, page.next)
    versions.push(...page.versions)
    next = page.next
  } while (next !== null && versions.length < limit)
  if (versions.length <= limit) return { versions, next }
  return { versions: versions.slice(0, limit), next: versions[limit - 1]?.snapshot ?? null }
}

export function toBackupKey({ server, name }: BackupInfo): { namespace: string; name: string } {
  return { namespace: server, name }
}

export function refuseWithoutSeries({ name }: BackupInfo): Answer<never> {
  return refuse('BAD_INPUT', `"${name}" has no snapshots: it is not an increment of this system`, { name })
}
