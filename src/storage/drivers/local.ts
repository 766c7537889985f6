import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, lstat, open, opendir, rename, statfs, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import type { Driver, ObjectName, ObjectReader, ObjectStat, ObjectWriter, Space } from '../driver.ts'
import { type Attempt, fileReader, fileWriter } from './local-file.ts'
import { lockFile } from './local-lock.ts'
import { folderPath, newObjectPath, objectPath, realRoot } from './local-path.ts'
import { storeError } from './store-error.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const NEW = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW
const STATS_AT_ONCE = 32

interface Dirent {
  name: string
  isFile(): boolean
  isDirectory(): boolean
}

/** A directory as a store: files 0600, folders 0700, no symbolic link followed out of it. */
export function localDriver(dir: string): Driver {
  return new LocalDriver(dir)
}

class LocalDriver implements Driver {
  readonly name = 'local'
  readonly abilities = { durability: 'synced' } as const
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  async create(name: string): Promise<ObjectWriter> {
    const attempt = this.#attemptOn(name)
    const file = await attempt('create', async () => open(await newObjectPath(this.#dir, name), NEW, 0o600))
    return fileWriter(file, attempt)
  }

  open(name: string): Promise<ObjectReader> {
    const attempt = this.#attemptOn(name)
    return attempt('open', async () => {
      const file = await open(await objectPath(this.#dir, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      return fileReader(file, await sizeOfFile(file), attempt)
    })
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    return this.#attemptOn(name)('look at', async () => {
      const stats = await lstatIfThere(() => objectPath(this.#dir, name))
      return stats && { name, kind: kindOf(stats), size: stats.size, modifiedMs: stats.mtimeMs }
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#attemptOn(from)('rename', async () =>
      rename(await objectPath(this.#dir, from), await newObjectPath(this.#dir, to)),
    )
  }

  replace(name: string, content: Buffer): Promise<void> {
    return this.#attemptOn(name)('replace', async () =>
      replaceFile(await newObjectPath(this.#dir, name), content),
    )
  }

  remove(name: string): Promise<void> {
    return this.#attemptOn(name)('remove', () => unlinkIfThere(() => objectPath(this.#dir, name)))
  }

  async *list(folder: string): AsyncIterable<ObjectStat> {
    let batch: ObjectName[] = []
    for await (const entry of this.names(folder)) {
      if (batch.push(entry) < STATS_AT_ONCE) continue
      yield* await this.#statAll(folder, batch)
      batch = []
    }
    yield* await this.#statAll(folder, batch)
  }

  async *names(folder: string): AsyncIterable<ObjectName> {
    const attempt = this.#attemptOn(folder)
    const entries = await attempt('list', () => openFolder(this.#dir, folder))
    if (!entries) return
    try {
      for (let entry = await attempt('list', () => entries.read()); entry; ) {
        yield { name: entry.name, kind: kindOf(entry) }
        entry = await attempt('list', () => entries.read())
      }
    } finally {
      await entries.close()
    }
  }

  syncFolder(folder: string): Promise<void> {
    return this.#attemptOn(folder)('sync', async () => syncFolder(await folderPath(this.#dir, folder)))
  }

  async lock(name: string): Promise<AsyncDisposable> {
    return this.#attemptOn(name)('lock', async () => lockFile(await newObjectPath(this.#dir, name)))
  }

  space(): Promise<Space> {
    return this.#attemptOn('')('ask the room of', async () => {
      const { bavail, blocks, bsize } = await statfs(await realRoot(this.#dir))
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    })
  }

  check(): Promise<void> {
    return this.#attemptOn('')('use', async () => {
      const root = await realRoot(this.#dir)
      const stats = await lstat(root)
      if (!stats.isDirectory()) {
        throw new BackupdError('STORE_UNAVAILABLE', `The store ${this.#dir} is not a directory`)
      }
      await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
    })
  }

  async withFolder<T>(folder: string, act: (path: string) => Promise<T>): Promise<T> {
    return act(await this.#attemptOn(folder)('open', () => folderPath(this.#dir, folder)))
  }

  #attemptOn(name: string): Attempt {
    return async (doing, call) => {
      try {
        return await call()
      } catch (error) {
        throw storeError(doing, { dir: this.#dir, name }, error)
      }
    }
  }

  async #statAll(folder: string, entries: ObjectName[]): Promise<ObjectStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const stats = await Promise.all(entries.map((entry) => this.stat(prefix + entry.name)))
    return stats.flatMap((stat) => (stat ? [{ ...stat, name: basename(stat.name) }] : []))
  }
}

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory'>): ObjectName['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : 'other'
}

async function sizeOfFile(file: FileHandle): Promise<number> {
  const stats = await file.stat()
  if (stats.isFile()) return stats.size
  await file.close()
  throw new BackupdError('STORE_UNAVAILABLE', 'what lies there is not a file')
}

async function lstatIfThere(path: () => Promise<string>) {
  return ifThere(async () => lstat(await path()))
}

async function unlinkIfThere(path: () => Promise<string>): Promise<void> {
  await ifThere(async () => unlink(await path()))
}

function openFolder(dir: string, folder: string) {
  return ifThere(async () => opendir(await folderPath(dir, folder), { bufferSize: 1024 }))
}

async function ifThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Its temporary name is one that the store sweeps. */
async function replaceFile(path: string, content: Buffer): Promise<void> {
  const temporary = join(dirname(path), `${basename(path)}.part-${randomBytes(21).toString('hex')}`)
  const file = await open(temporary, NEW, 0o600)
  try {
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await syncFolder(dirname(path))
}
