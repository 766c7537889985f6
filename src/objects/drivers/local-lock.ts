import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { tolerateSync } from '../../lib/tolerate.ts'

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
/** Locks are only held while a few small files are written, so a process that holds one this long hangs. */
const TIMEOUT_MS = 60_000
const MAX_PAUSE_MS = 50
/** Errors of file systems without flock(2). There the lock only works within one process. */
const NO_LOCKS = ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'ENOLCK']

/** Path → the last caller in this process's queue. */
const queues = new Map<string, Promise<void>>()

/**
 * Excludes other callers of this process (in turn) and, by flock(2), other processes. Throws CONFLICT after a
 * minute.
 */
export async function lockFile(path: string): Promise<AsyncDisposable> {
  const leave = await queue(path)
  try {
    const file = await open(path, FLAGS, 0o600)
    try {
      await lockOpenFile(file, path)
    } catch (error) {
      await file.close()
      throw error
    }
    return { [Symbol.asyncDispose]: () => file.close().finally(leave) }
  } catch (error) {
    leave()
    throw error
  }
}

async function queue(path: string): Promise<() => void> {
  const before = queues.get(path)
  const turn = Promise.withResolvers<void>()
  queues.set(path, turn.promise)
  await before
  return () => {
    if (queues.get(path) === turn.promise) queues.delete(path)
    turn.resolve()
  }
}

async function lockOpenFile(file: FileHandle, path: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS
  for (let pause = 1; !tryLock(file); pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    if (performance.now() > deadline) {
      throw new BackupdError(
        'CONFLICT',
        `Another process has held the lock ${path} for over a minute. Find it with fuser(1)`,
      )
    }
    await wait(pause)
  }
}

function tryLock(file: FileHandle): boolean {
  return tolerateSync(NO_LOCKS, () => loadKernel()?.tryLock(file.fd) ?? true, true)
}
