import { type Dir, type Dirent, opendir, opendirSync } from 'node:fs'
import { promisify } from 'node:util'

export interface ListedName {
  name: Buffer
  /** As the directory says; what stands behind the name may have changed since. */
  isDirectory: boolean
}

/** The names in a directory, some at a time: it may hold millions. */
export interface NameStream {
  /** The next names, at most `count`; none at the end. */
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

/** How many names one call of the kernel's brings. */
const OPTIONS: ByteDirOptions = { encoding: 'buffer', bufferSize: 256 }

// Node's types know names as bytes for readdir only.
const openDir = promisify(opendir) as unknown as (path: Buffer, options: ByteDirOptions) => Promise<ByteDir>
const openDirSync = opendirSync as unknown as (path: Buffer, options: ByteDirOptions) => ByteDir

/** `cached`: the directory is in the kernel's memory, so that the way to another thread costs more than the reading. */
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
