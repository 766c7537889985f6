import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import { BackupdError, hasCode } from '../lib/errors.ts'
import { type Kernel, loadKernel } from '../lib/kernel.ts'
import { tolerate, tolerateSync } from '../lib/tolerate.ts'
import { acquirePidFile } from './pid-file.ts'

const RETRY_INTERVAL_MS = 50
const LIFE_PREFIX = 'run-'

/** The lock held for the whole run: a process that gets this lock knows that the run is over. */
export function lifeLock(rid: string): string {
  return `${LIFE_PREFIX}${rid}`
}

/** The name of the lock of a volume, from its absolute path. */
export function volumeLock(path: string): string {
  return `volume-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
}

export interface HeldLocks {
  release(): void
}

export interface RunLockOptions {
  /** How long to try; once if left out. */
  wait?: { ms: number; clock: Clock }
  signal?: AbortSignal
  /** If undefined, PID files replace flock. */
  kernel?: Kernel | undefined
}

/**
 * Acquires the locks `<dataDir>/locks/<name>`, all or none; they end with the process at the latest.
 * Throws CONFLICT that names the lock and the process that holds it.
 */
export async function acquireLocks(
  dataDir: string,
  names: readonly string[],
  options: RunLockOptions = {},
): Promise<HeldLocks> {
  if (names.length === 0) return { release: () => {} }
  const folder = join(dataDir, 'locks')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const held: HeldLocks[] = []
  const release = () => {
    for (const lock of held.splice(0).reverse()) lock.release()
  }
  try {
    for (const name of [...names].sort()) held.push(await acquireLock(join(folder, name), name, options))
  } catch (error) {
    release()
    throw error
  }
  return { release }
}

/** Lists the life locks in `<dataDir>/locks`: of running runs and of runs that were killed. */
export async function listLifeLocks(dataDir: string): Promise<string[]> {
  const names = await tolerate(['ENOENT'], () => readdir(join(dataDir, 'locks')), [])
  return names.filter((name) => name.startsWith(LIFE_PREFIX))
}

/** Whether the run of this rid is running, that is, whether its life lock is held. */
export async function isRunning(dataDir: string, rid: string): Promise<boolean> {
  try {
    const lock = await acquireLocks(dataDir, [lifeLock(rid)])
    lock.release()
    return false
  } catch (error) {
    if (hasCode(error, 'CONFLICT')) return true
    throw error
  }
}

async function acquireLock(file: string, name: string, options: RunLockOptions): Promise<HeldLocks> {
  const kernel = 'kernel' in options ? options.kernel : loadKernel()
  const { signal, wait } = options
  const end = wait ? wait.clock.elapsed() + wait.ms : 0
  for (;;) {
    signal?.throwIfAborted()
    const lock = kernel ? tryFlock(file, kernel) : acquirePidFile(file)
    if (lock) return lock
    if (!wait || wait.clock.elapsed() >= end) throw heldByAnother(file, name)
    await sleep(RETRY_INTERVAL_MS, undefined, signal ? { signal } : {})
  }
}

function tryFlock(file: string, kernel: Kernel): HeldLocks | undefined {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    if (kernel.tryLock(fd) && isSameFile(file, fd)) {
      ftruncateSync(fd)
      writeSync(fd, `${process.pid}\n`, 0)
      return { release: () => releaseFlock(file, fd) }
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  closeSync(fd)
  return undefined
}

/** Removes the file of a life lock, which no run needs again; the file of a volume lock stays for the next run. */
function releaseFlock(file: string, fd: number): void {
  if (basename(file).startsWith(LIFE_PREFIX)) unlinkSync(file)
  closeSync(fd)
}

/** Whether the path still leads to the locked file: its holder may have removed it between open and lock. */
function isSameFile(file: string, fd: number): boolean {
  return tolerateSync(['ENOENT'], () => statSync(file).ino === fstatSync(fd).ino, false)
}

function heldByAnother(file: string, name: string): BackupdError {
  const pid = Number.parseInt(readOrEmpty(file), 10)
  const holder = Number.isNaN(pid) ? 'another process' : `process ${pid}`
  return new BackupdError(
    'CONFLICT',
    `Cannot acquire the lock "${name}": ${holder} holds it. Wait for it to end, then ask again`,
    {
      facts: { lock: name, pid: Number.isNaN(pid) ? null : pid },
    },
  )
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
