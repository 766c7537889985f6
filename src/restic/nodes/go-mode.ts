import type { EntryType } from '../../volume/tree/entry.ts'

/** Bits of Go's os.FileMode (io/fs), which differ from the kernel's. */
const TYPE_BITS: Record<EntryType, number> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  blockdev: 2 ** 26,
  chardev: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
}
const SPECIAL_BITS = [
  { kernel: 0o4000, go: 2 ** 23 },
  { kernel: 0o2000, go: 2 ** 22 },
  { kernel: 0o1000, go: 2 ** 20 },
]

/** Encodes a type and the kernel's permission bits (0o7777) as Go's os.FileMode. */
export function toGoMode(type: EntryType, mode: number): number {
  let go = TYPE_BITS[type] + (mode & 0o777)
  if (mode & 0o7000) {
    for (const bit of SPECIAL_BITS) if (mode & bit.kernel) go += bit.go
  }
  return go
}

/** Decodes the kernel's permission bits of a Go os.FileMode. */
export function fromGoMode(go: number): number {
  let mode = go & 0o777
  for (const bit of SPECIAL_BITS) if (go & bit.go) mode |= bit.kernel
  return mode
}
