import { closeSync, constants, openSync } from 'node:fs'
import type { Kernel } from '../../lib/kernel.ts'

/**
 * Inode flags (chattr) with the numbers of linux/fs.h. The first name of each line is written to `SCHILY.fflags`, as
 * libarchive (bsdtar) does; the other names are only read.
 */
const FLAGS = [
  { bit: 0x1, names: ['secdel', 'securedeletion'] },
  { bit: 0x2, names: ['uundelnk', 'uundel', 'undel'] },
  { bit: 0x4, names: ['compress', 'ucompress', 'compressed'] },
  { bit: 0x8, names: ['sync'] },
  { bit: 0x10, names: ['schg', 'schange', 'simmutable', 'immutable'] },
  { bit: 0x20, names: ['sappnd', 'sappend', 'append', 'appnd'] },
  { bit: 0x40, names: ['nodump'] },
  { bit: 0x80, names: ['noatime'] },
  { bit: 0x4000, names: ['journal', 'journal-data'] },
  { bit: 0x8000, names: ['notail'] },
  { bit: 0x10000, names: ['dirsync'] },
  { bit: 0x20000, names: ['topdir'] },
  { bit: 0x800000, names: ['nocow'] },
] as const

const IMMUTABLE = 0x10
const APPEND = 0x20
/** An entry with these flags can be neither renamed nor removed, so they are set last. */
export const PROTECTING_FLAGS = IMMUTABLE | APPEND

/** The flags that a backup keeps. Others describe how the file system stores a file. */
const KEPT_FLAGS = FLAGS.reduce((all, { bit }) => all | bit, 0)
/** Case folding, DAX, encryption, verity: settings that a backup does not keep, with a warning. */
const UNKEPT_FLAGS = 0x40000000 | 0x2000000 | 0x800 | 0x100000

const BY_NAME = new Map<string, number>(
  FLAGS.flatMap(({ bit, names }) => names.map((name) => [name, bit] as const)),
)

/** Formats flags for SCHILY.fflags: `nodump,schg`. */
export function flagsText(flags: number): string {
  return FLAGS.filter(({ bit }) => flags & bit)
    .map(({ names }) => names[0])
    .join(',')
}

/** Parses SCHILY.fflags. Unknown names are ignored: other systems have flags of their own. */
export function parseFlags(text: string): number {
  return text.split(',').reduce((all, name) => all | (BY_NAME.get(name.trim()) ?? 0), 0)
}

/** The flags of a file or directory. */
export interface FlagsFound {
  flags: number
  /** It has settings that a backup does not keep. */
  unkept: boolean
  /** The project id; 0 = none. */
  project: number
}

/** @param fd open for reading. */
export function readFlags(kernel: Kernel, fd: number, isDirectory: boolean): FlagsFound {
  const all = kernel.getFlags(fd) ?? 0
  // Files have the project of their directory, so it is not read for each file.
  const project = isDirectory ? (kernel.getProject(fd) ?? 0) : 0
  return { flags: all & KEPT_FLAGS, unkept: (all & UNKEPT_FLAGS) !== 0, project }
}

/** Reads the flags of a directory that is pinned, or at a trusted path. Undefined if it cannot be opened. */
export function readFlagsAt(kernel: Kernel, place: Buffer | string): FlagsFound | undefined {
  let fd: number
  try {
    fd = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    return readFlags(kernel, fd, true)
  } finally {
    closeSync(fd)
  }
}

/** Sets exactly `flags` among the kept flags, and leaves the others as the file system has them. */
export function setFlags(kernel: Kernel, fd: number, flags: number): void {
  const found = kernel.getFlags(fd)
  if (found === undefined && flags !== 0)
    throw Object.assign(new Error('ENOTSUP: no flags'), { code: 'ENOTSUP' })
  const now = found ?? 0
  const wanted = (now & ~KEPT_FLAGS) | (flags & KEPT_FLAGS)
  if (wanted !== now) kernel.setFlags(fd, wanted)
}
