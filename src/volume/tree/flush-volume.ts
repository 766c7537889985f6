import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { errnoOf } from '../../lib/errors.ts'
import type { Kernel } from '../../lib/kernel.ts'
import type { TreeWarning } from './entry.ts'
import { reasonOf } from './reason.ts'
import type { OpenVolume } from './volume.ts'

const LIMIT_MS = 60_000

export interface FlushOptions {
  onWarning(warning: TreeWarning): void
  limitMs?: number
}

/**
 * Before a volume is read: makes writes through mmap visible. A store to a page that is dirty already changes no
 * timestamp; once the page has been written to disk, the next store does. What changes from `beganNs` on can be dirty
 * again, and is flushed when it is opened (openFile).
 */
export async function flushVolume(
  volume: OpenVolume,
  { onWarning, limitMs = LIMIT_MS }: FlushOptions,
): Promise<OpenVolume> {
  const beganNs = BigInt(Date.now()) * 1_000_000n
  const problem = volume.kernel ? await flush(volume, volume.kernel, limitMs) : 'this machine has no syncfs'
  if (problem !== undefined) {
    const message = `earlier changes through mmap may be missing: ${problem}`
    onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  }
  return { ...volume, beganNs }
}

/** What went wrong, in words. */
async function flush(volume: OpenVolume, kernel: Kernel, limitMs: number): Promise<string | undefined> {
  const giveUp = new AbortController()
  const late = setTimeout(limitMs, 'late' as const, { signal: giveUp.signal, ref: false })
  late.catch(() => {})
  try {
    const ended = await Promise.race([flushOpened(volume, kernel), late])
    if (ended !== 'late') return undefined
    return `the file system did not write everything to disk within ${limitMs / 1000} s`
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return `the file system cannot write everything to disk, ${reasonOf(error)}`
  } finally {
    giveUp.abort()
  }
}

/** What a pin stands for cannot be flushed: the directory is opened for it. */
async function flushOpened({ pin }: OpenVolume, kernel: Kernel): Promise<void> {
  await using directory = await open(pin.place, 'r')
  await kernel.syncfsInThread(directory.fd)
}
