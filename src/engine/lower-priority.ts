import { readdir } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { messageOf } from '../lib/errors.ts'
import type { RunContext } from './plugin.ts'

/**
 * Gives all threads of this process the lowest CPU priority (nice 19); threads that begin later inherit it. The kernel
 * derives the priority of its disk requests from it, the lowest but "idle", which Node cannot set. It cannot be taken
 * back without privileges, so the process must end after the run.
 */
export async function lowerPriority(log: RunContext['log']): Promise<void> {
  try {
    for (const thread of await readdir('/proc/self/task')) lowerThread(Number(thread))
  } catch (error) {
    log('warn', `A verification runs with the usual priority: ${messageOf(error)}`)
  }
}

/** A thread may have ended since it was listed. */
function lowerThread(thread: number): void {
  try {
    setPriority(thread, constants.priority.PRIORITY_LOW)
  } catch (error) {
    if (!(error instanceof Error && 'info' in error && (error.info as { code?: string }).code === 'ESRCH'))
      throw error
  }
}
