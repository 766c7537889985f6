import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Kernel } from '../../lib/kernel.ts'
import { describeReason } from './describe-reason.ts'
import type { TreeWarning } from './entry.ts'
import type { OpenVolume } from './volume.ts'

const FLUSH_TIMEOUT_MS = 60_000

export interface FlushOptions {
  onWarning(warning: TreeWarning): void
  limitMs?: number
}

/**
 * Flushes a volume before it is read, so that writes through mmap can be detected: a write to a dirty page changes no
 * timestamp, but the first one after the page was flushed does. Files that change from `beganNs` on may have dirty
 * pages again, and are flushed when they are opened (openFile).
 */
export async function flushVolume(
  volume: OpenVolume,
  { onWarning, limitMs = FLUSH_TIMEOUT_MS }: FlushOptions,
): Promise<OpenVolume> {
  const beganNs = BigInt(Date.now()) * 1_000_000n
  const problem = volume.kernel ? await flush(volume, volume.kernel, limitMs) : 'this machine has no syncfs'
  if (problem !== undefined) {
    const message = `earlier changes through mmap may be missing: ${problem}`
    onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  }
  return { ...volume, beganNs }
}

/** Returns what went wrong, in words. */
async function flush(volume: OpenVolume, kernel: Kernel, limitMs: number): Promise<string | undefined> {
  const giveUp = new AbortController()
  const late = setTimeout(limitMs, 'late' as const, { signal: giveUp.signal, ref: false })
  late.catch(() => {})
  try {
    const ended = await Promise.race([flushOpened(volume, kernel), late])
    if (ended !== 'late') return undefined
    return `the file system did not write everything to disk within ${limitMs / 1000} s`
  } catch (error) {
    return `the file system cannot write everything to disk, ${describeReason(error)}`
  } finally {
    giveUp.abort()
  }
}

/** Opens the directory, because a pin (O_PATH) cannot be flushed. */
async function flushOpened({ pin }: OpenVolume, kernel: Kernel): Promise<void> {
  await using directory = await open(pin.place, 'r')
  await kernel.syncfsInThread(directory.fd)
}
