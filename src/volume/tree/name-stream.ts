import { type Dir, type Dirent, opendir, opendirSync } from 'node:fs'
import { promisify } from 'node:util'

export interface ListedName {
  name: Buffer
  /** According to the directory listing; the entry may have been replaced since. */
  isDirectory: boolean
}

/** Reads the names of a directory in batches, because there may be millions. */
export interface NameStream {
  /** The next names, at most `count`; empty at the end. */
  next(count: number): Promise<ListedName[]>
  close(): Promise<void>
}

interface ByteDir extends Omit<Dir, 'read' | 'readSync'> {
  read(): Promise<Dirent<Buffer> | null>
  readSync(): Dirent<Buffer> | null
}

interface ByteDirOptions {
  encoding: 'buffer'
  bufferSize: number
}

/** `bufferSize`: how many names one system call reads. */
const OPTIONS: ByteDirOptions = { encoding: 'buffer', bufferSize: 256 }

// Node's types allow names as bytes only for readdir.
const openDir = promisify(opendir) as unknown as (path: Buffer, options: ByteDirOptions) => Promise<ByteDir>
const openDirSync = opendirSync as unknown as (path: Buffer, options: ByteDirOptions) => ByteDir

/** `cached`: the directory is in the kernel's cache, so it is read synchronously: a thread switch would cost more. */
export async function openNames(place: Buffer, cached = false): Promise<NameStream> {
  const directory = cached ? openDirSync(place, OPTIONS) : await openDir(place, OPTIONS)
  return {
    async next(count) {
      const names: ListedName[] = []
      while (names.length < count) {
        const found = cached ? directory.readSync() : await directory.read()
        if (!found) break
        names.push({ name: found.name, isDirectory: found.isDirectory() })
      }
      return names
    },
    close: async () => (cached ? directory.closeSync() : await directory.close()),
  }
}
