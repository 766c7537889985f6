import { KernelError, type Libc } from './libc.ts'

/** Holes in files, in bytes. The file's own position moves: read by position. */
export interface KernelRanges {
  /** Where the next data at or after `offset` starts; undefined where there is none up to the end. */
  seekData(fd: number, offset: number): number | undefined
  /** Where the next hole at or after `offset` starts; the end of the file counts as one. */
  seekHole(fd: number, offset: number): number
  /** Makes a range read as zeros and gives its blocks back; the size stays. */
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
