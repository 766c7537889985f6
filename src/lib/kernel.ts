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
 * Calls of libc that Node's `fs` lacks. They block, so do not use them in a process that serves requests. Names and
 * paths are bytes (no NUL: EINVAL); `dir` is an open directory or AT_FDCWD. A failed call throws a KernelError with
 * `code` (`ENOENT`) and `syscall`, like an `fs` error. The functions have the parameters of their system calls, in the
 * kernel's order; only here may they be more than three.
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

/** Binds the calls; undefined if libc cannot be reached (musl, macOS, no binary of koffi). */
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
