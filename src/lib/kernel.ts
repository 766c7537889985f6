import { bindCached, type KernelCached } from './kernel/cached.ts'
import { bindCoarseClock, type KernelCoarseClock } from './kernel/coarse-clock.ts'
import { bindFlags, type KernelFlags } from './kernel/flags.ts'
import { loadLibc } from './kernel/libc.ts'
import { bindLocks, type KernelLocks } from './kernel/locks.ts'
import { bindNames, type KernelNames } from './kernel/names.ts'
import { bindOpen, type KernelOpen } from './kernel/open.ts'
import { bindRanges, type KernelRanges } from './kernel/ranges.ts'
import { bindStat, type KernelStat } from './kernel/stat.ts'
import { bindXattrs, type KernelXattrs } from './kernel/xattrs.ts'

/**
 * What Node's `fs` has no call for, straight from libc. All calls block, so keep them off a process that answers
 * others. Names and paths are bytes (no NUL: EINVAL); `dir` is an open directory or AT_FDCWD. A call that fails
 * throws a KernelError, whose `code` (`ENOENT`) and `syscall` read like those of an `fs` error.
 */
export interface Kernel
  extends KernelOpen,
    KernelNames,
    KernelXattrs,
    KernelRanges,
    KernelLocks,
    KernelCached,
    KernelFlags,
    KernelStat,
    KernelCoarseClock {}

let loaded: { kernel: Kernel | undefined } | undefined

/** The kernel's calls, or undefined where libc cannot be reached this way (musl, macOS, no binary of koffi). */
export function loadKernel(): Kernel | undefined {
  loaded ??= { kernel: bind() }
  return loaded.kernel
}

function bind(): Kernel | undefined {
  const libc = loadLibc()
  if (!libc) return undefined
  return {
    ...bindOpen(libc),
    ...bindNames(libc),
    ...bindXattrs(libc),
    ...bindRanges(libc),
    ...bindLocks(libc),
    ...bindCached(libc),
    ...bindFlags(libc),
    ...bindStat(libc),
    ...bindCoarseClock(libc),
  }
}
