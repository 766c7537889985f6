import { KernelError, type Libc } from './libc.ts'

/** Holes in files; offsets in bytes. The calls move the file's position, so always read by position. */
export interface KernelRanges {
  /** Start of the next data at or after `offset`; undefined if there is none up to the end. */
  seekData(fd: number, offset: number): number | undefined
  /** Start of the next hole at or after `offset`; the end of the file counts as a hole. */
  seekHole(fd: number, offset: number): number
  /** Makes a range read as zeros and frees its blocks; the size stays. */
  punchHole(fd: number, offset: number, length: number): void
}

const SEEK_DATA = 3
const SEEK_HOLE = 4
const FALLOC_FL_KEEP_SIZE = 1
const FALLOC_FL_PUNCH_HOLE = 2

export function bindRanges(libc: Libc): KernelRanges {
  const lseek = libc.bind('int64_t lseek(int fd, int64_t offset, int whence)')
  const fallocate = libc.bind('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
  return {
    seekData(fd, offset) {
      try {
        return lseek(fd, offset, SEEK_DATA)
      } catch (error) {
        if (error instanceof KernelError && error.code === 'ENXIO') return undefined
        throw error
      }
    },
    seekHole: (fd, offset) => lseek(fd, offset, SEEK_HOLE),
    punchHole: (fd, offset, length) =>
      void fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length),
  }
}
