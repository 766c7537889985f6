import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'

const PROT_READ_WRITE = 3
const MAP_SHARED = 1

/** The bytes of an existing file, mapped into this process: a store to them is a write without a system call. */
export function mapFile(path: string, length: number): Buffer {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const libc = koffi.load('libc.so.6')
  const mmap = libc.func('void *mmap(void *at, size_t length, int prot, int flags, int fd, int64_t offset)')
  const munmap = libc.func('int munmap(void *at, size_t length)')
  const fd = openSync(path, 'r+')
  const address = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0)
  closeSync(fd)
  onTestFinished(() => void munmap(address, length))
  return Buffer.from(koffi.view(address, length))
}
