import { type Dir, type Dirent, opendir } from 'node:fs'
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

interface ByteDir extends Omit<Dir, 'read'> {
  read(): Promise<Dirent<Buffer> | null>
}

/** How many names one call of the kernel's brings. */
const BUFFER_SIZE = 256

// Node's types know names as bytes for readdir only.
const openDir = promisify(opendir) as unknown as (
  path: Buffer,
  options: { encoding: 'buffer'; bufferSize: number },
) => Promise<ByteDir>

export async function openNames(place: Buffer): Promise<NameStream> {
  const directory = await openDir(place, { encoding: 'buffer', bufferSize: BUFFER_SIZE })
  return {
    async next(count) {
      const names: ListedName[] = []
      while (names.length < count) {
        const found = await directory.read()
        if (!found) break
        names.push({ name: found.name, isDirectory: found.isDirectory() })
      }
      return names
    },
    close: () => directory.close(),
  }
}
