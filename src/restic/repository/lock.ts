import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError } from '../../lib/errors.ts'
import { waitMeter } from '../../lib/wait-meter.ts'
import { HeldLock, type Lock, LockFiles } from './held-lock.ts'
import { ignoreHangUp } from './ignore-hang-up.ts'
import { unpackedName } from './layout.ts'
import { type FoundLock, lockedBy, parseLock } from './lock-file.ts'
import { LockJournal, readDeadLocks } from './lock-journal.ts'
import type { Repository } from './repository.ts'

/** How often a waiting run tries again. A prune, which locks repeatedly, pauses longer than this in between. */
export const LOCK_RETRY_MS = 300
/** How long a network store may take to show a new name to others. */
const VISIBLE_AFTER_MS = 200
const TICK_INTERVAL_MS = 1000

export interface LockOptions {
  /** An exclusive lock excludes every other lock; shared ones only exclude exclusive ones. */
  exclusive: boolean
  /** The daemon's data directory, where locks are journalled. */
  dataDir: string
  /** How long to wait for other locks. */
  waitMs: number
  signal: AbortSignal
  /** Whether to bring the index up to date once it is locked; default true. */
  withIndex?: boolean
  /** How often to check whether the lock needs a refresh. */
  tickMs?: number
}

/**
 * Locks the repository as restic does. Then reads the list of snapshots, and after that the index, so that the index
 * has everything that these snapshots use. Throws REPOSITORY_LOCKED with the holder once `waitMs` are over.
 */
export async function lockRepository(repository: Repository, options: LockOptions): Promise<Lock> {
  const end = ignoreHangUp()
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
    const snapshots = await listSnapshotIds(repository)
    if (options.withIndex !== false) await repository.loadIndex()
    return new HeldLock(repository, { files, journal, snapshots, onEnd }, options.tickMs ?? TICK_INTERVAL_MS)
  } catch (error) {
    await files.remove().then(
      () => journal.end(),
      () => journal.leave(),
    )
    throw error
  }
}

async function acquire(repository: Repository, files: LockFiles, options: LockOptions): Promise<void> {
  const { clock } = repository
  const deadline = clock.elapsed() + options.waitMs
  for (;;) {
    options.signal.throwIfAborted()
    await removeDeadLocks(repository, options.dataDir)
    const other = await tryOnce(repository, files)
    if (!other) return
    if (clock.elapsed() >= deadline) throw lockedBy(other, repository)
    const pauseMs = LOCK_RETRY_MS * (0.5 + Math.random() / 2)
    await waitMeter.during(() => wait(pauseMs, undefined, { signal: options.signal }).catch(() => {}))
  }
}

/** Returns the conflicting lock, or undefined if it is locked now. If two runs try at once, both withdraw. */
async function tryOnce(repository: Repository, files: LockFiles): Promise<FoundLock | undefined> {
  const before = await findOther(repository, files)
  if (before) return before
  await files.add()
  if (!repository.place.driver.abilities.showsNamesAtOnce) await wait(VISIBLE_AFTER_MS)
  const other = await findOther(repository, files)
  if (other) await files.remove()
  return other
}

async function findOther(repository: Repository, files: LockFiles): Promise<FoundLock | undefined> {
  for (const id of await listIds(repository, 'locks')) {
    if (files.ids.has(id)) continue
    const lock = await readLock(repository, id)
    if (lock && (files.exclusive || !lock.facts || lock.facts.exclusive)) return lock
  }
  return undefined
}

/** Undefined if it is gone, or empty, which means an interrupted upload. */
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

/** Removes only locks that are in a journal of this daemon whose process is dead. */
async function removeDeadLocks(repository: Repository, dataDir: string): Promise<void> {
  for await (const { repositoryId, ids, removed } of readDeadLocks(dataDir)) {
    if (repositoryId !== repository.id) continue
    for (const id of ids) await repository.removeUnpacked('locks', id)
    await removed()
  }
}

export function listSnapshotIds(repository: Repository): Promise<string[]> {
  return listIds(repository, 'snapshots')
}

async function listIds(repository: Repository, kind: 'snapshots' | 'locks'): Promise<string[]> {
  const ids: string[] = []
  for await (const id of repository.listUnpacked(kind)) ids.push(id)
  return ids
}
