import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError } from '../../lib/errors.ts'
import { storeMeter } from '../../lib/store-meter.ts'
import { outliveHangUp } from './hang-up.ts'
import { HeldLock, type Lock, LockFiles } from './held-lock.ts'
import { unpackedName } from './layout.ts'
import { type FoundLock, lockedBy, parseLock } from './lock-file.ts'
import { deadLocks, LockJournal } from './lock-journal.ts'
import type { Repository } from './repository.ts'

/** How often who waits looks; whoever locks again and again leaves it free for longer than this in between. */
export const LOOK_AGAIN_MS = 300
/** A store that shows new names late shows them by then. */
const SETTLE_MS = 200
const TICK_MS = 1000

export interface LockOptions {
  /** Nobody else has any lock then. */
  exclusive: boolean
  /** The daemon's data directory, where locks are journalled. */
  dataDir: string
  /** How long to wait for others. */
  waitMs: number
  signal: AbortSignal
  /** Whether the index is brought up to date once it is locked; true unless given. */
  withIndex?: boolean
  /** How often to see whether the lock needs a refresh. */
  tickMs?: number
}

/**
 * Locks the repository as restic does. Then the list of snapshots is read, and after it the index where it changed:
 * what those snapshots use is in it. Throws REPOSITORY_LOCKED naming who holds it when `waitMs` are over.
 */
export async function lockRepository(repository: Repository, options: LockOptions): Promise<Lock> {
  const end = outliveHangUp()
  try {
    return await lock(repository, options, end)
  } catch (error) {
    end()
    throw error
  }
}

async function lock(repository: Repository, options: LockOptions, onEnd: () => void): Promise<Lock> {
  const journal = await LockJournal.begin(options.dataDir, repository)
  const files = new LockFiles(repository, journal, options.exclusive)
  try {
    await acquire(repository, files, options)
    const snapshots = await snapshotIds(repository)
    if (options.withIndex !== false) await repository.loadIndex()
    return new HeldLock(repository, { files, journal, snapshots, onEnd }, options.tickMs ?? TICK_MS)
  } catch (error) {
    await files.remove().then(
      () => journal.end(),
      () => journal.leave(),
    )
    throw error
  }
}

async function acquire(repository: Repository, files: LockFiles, options: LockOptions): Promise<void> {
  const deadline = performance.now() + options.waitMs
  for (;;) {
    options.signal.throwIfAborted()
    await removeDeadLocks(repository, options.dataDir)
    const other = await tryOnce(repository, files)
    if (!other) return
    if (performance.now() >= deadline) throw lockedBy(other, repository)
    const pauseMs = LOOK_AGAIN_MS * (0.5 + Math.random() / 2)
    await storeMeter.during(() => wait(pauseMs, undefined, { signal: options.signal }).catch(() => {}))
  }
}

/** Who is in the way; undefined when it is locked. Both of two who come at once step back. */
async function tryOnce(repository: Repository, files: LockFiles): Promise<FoundLock | undefined> {
  const before = await findOther(repository, files)
  if (before) return before
  await files.add()
  if (repository.place.driver.name !== 'local') await wait(SETTLE_MS)
  const other = await findOther(repository, files)
  if (other) await files.remove()
  return other
}

async function findOther(repository: Repository, files: LockFiles): Promise<FoundLock | undefined> {
  for (const id of await idsOf(repository, 'locks')) {
    if (files.ids.has(id)) continue
    const lock = await readLock(repository, id)
    if (lock && (files.exclusive || !lock.facts || lock.facts.exclusive)) return lock
  }
  return undefined
}

/** Undefined where it is gone, or empty: that is an upload which was cut short. */
async function readLock(repository: Repository, id: string): Promise<FoundLock | undefined> {
  try {
    return parseLock(id, await repository.loadUnpacked('locks', id))
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    if (error.code === 'NOT_FOUND') return undefined
    if (error.code !== 'REPOSITORY_DAMAGED') throw error
    const stat = await repository.place.driver.stat(unpackedName(repository.place, 'locks', id))
    return stat && stat.size > 0 ? { id, facts: null } : undefined
  }
}

/** Only what a journal of ours names, and only where its process is dead. */
async function removeDeadLocks(repository: Repository, dataDir: string): Promise<void> {
  for await (const { repositoryId, ids, removed } of deadLocks(dataDir)) {
    if (repositoryId !== repository.id) continue
    for (const id of ids) await repository.removeUnpacked('locks', id)
    await removed()
  }
}

export function snapshotIds(repository: Repository): Promise<string[]> {
  return idsOf(repository, 'snapshots')
}

async function idsOf(repository: Repository, kind: 'snapshots' | 'locks'): Promise<string[]> {
  const ids: string[] = []
  for await (const id of repository.listUnpacked(kind)) ids.push(id)
  return ids
}
