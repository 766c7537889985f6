import { constants } from 'node:os'
import { KernelError, type Libc } from './libc.ts'

export interface KernelLocks {
  /** flock(2), exclusive, without waiting: false if another open file has it. Ends with the descriptor. */
  tryLock(fd: number): boolean
  unlock(fd: number): void
  /** This process gets the signal when the parent's thread that started it ends. Then check that the parent still lives. */
  signalOnParentDeath(signal: NodeJS.Signals): void
  /** Flushes everything written to the file system of `fd` to disk. */
  syncfs(fd: number): void
  /** The same without blocking. It cannot be stopped: on a file system that hangs it never resolves. */
  syncfsInThread(fd: number): Promise<void>
}

const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8
const PR_SET_PDEATHSIG = 1

export function bindLocks(libc: Libc): KernelLocks {
  const flock = libc.bind('int flock(int fd, int operation)')
  const prctl = libc.bind('int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)')
  const syncfs = libc.bind('int syncfs(int fd)')
  const syncfsInThread = libc.bindAsync('int syncfs(int fd)')
  return {
    tryLock(fd) {
      try {
        flock(fd, LOCK_EX | LOCK_NB)
        return true
      } catch (error) {
        if (error instanceof KernelError && error.code === 'EAGAIN') return false
        throw error
      }
    },
    unlock: (fd) => void flock(fd, LOCK_UN),
    signalOnParentDeath: (signal) => void prctl(PR_SET_PDEATHSIG, constants.signals[signal], 0, 0, 0),
    syncfs: (fd) => void syncfs(fd),
    syncfsInThread: (fd) => syncfsInThread(fd).then(() => {}),
  }
}
