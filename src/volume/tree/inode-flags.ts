import { closeSync, constants, openSync } from 'node:fs'
import type { Kernel } from '../../lib/kernel.ts'

/**
 * Inode flags (chattr) as linux/fs.h numbers them. The names are those of libarchive, which bsdtar reads and writes in
 * `SCHILY.fflags`; the others of each line are read, too.
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
/** With these set an entry can be neither renamed nor removed: they are set last. */
export const PROTECTING_FLAGS = IMMUTABLE | APPEND

/** What a backup keeps. Other flags tell how the file system lays a file out, or are the file system's own. */
const KEPT_FLAGS = FLAGS.reduce((all, { bit }) => all | bit, 0)
/** Case folding, DAX, encryption, verity: settings of a directory or file that a backup does not keep. */
const UNKEPT_FLAGS = 0x40000000 | 0x2000000 | 0x800 | 0x100000

const BY_NAME = new Map<string, number>(
  FLAGS.flatMap(({ bit, names }) => names.map((name) => [name, bit] as const)),
)

/** `nodump,schg`, as SCHILY.fflags has it. */
export function flagsText(flags: number): string {
  return FLAGS.filter(({ bit }) => flags & bit)
    .map(({ names }) => names[0])
    .join(',')
}

/** Names that are not known here are passed over: other systems have flags of their own. */
export function parseFlags(text: string): number {
  return text.split(',').reduce((all, name) => all | (BY_NAME.get(name.trim()) ?? 0), 0)
}

/** What an open file or directory has of them. */
export interface FlagsFound {
  flags: number
  /** It has settings that are not kept. */
  unkept: boolean
  /** 0 = none. */
  project: number
}

/** @param fd open for reading. */
export function readFlags(kernel: Kernel, fd: number, isDirectory: boolean): FlagsFound {
  const all = kernel.getFlags(fd) ?? 0
  // Files have the project of their directory: one more call for each would tell little.
  const project = isDirectory ? (kernel.getProject(fd) ?? 0) : 0
  return { flags: all & KEPT_FLAGS, unkept: (all & UNKEPT_FLAGS) !== 0, project }
}

/** The same of what is only pinned, or named by a trusted path. Undefined where it cannot be opened. */
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

/** Sets what is to be set, and takes nothing off that the file system needs. `flags` may lack the protecting ones. */
export function setFlags(kernel: Kernel, fd: number, flags: number): void {
  const found = kernel.getFlags(fd)
  if (found === undefined && flags !== 0)
    throw Object.assign(new Error('ENOTSUP: no flags'), { code: 'ENOTSUP' })
  const now = found ?? 0
  const wanted = (now & ~KEPT_FLAGS) | (flags & KEPT_FLAGS)
  if (wanted !== now) kernel.setFlags(fd, wanted)
}
