import { constants } from 'node:fs'
import { access, type FileHandle, lstat, open, opendir, statfs, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { byteText } from '../../lib/byte-counts.ts'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'
import type {
  BareDriver,
  CreateOptions,
  DriverAbilities,
  ObjectName,
  ObjectReader,
  ObjectStat,
  ObjectWriter,
  Space,
  UnnamedWriter,
} from '../driver.ts'
import { unfinishedName, unnamedName } from '../unfinished.ts'
import { atFolder, atNewObject, atObject, type FilePlace, newObjectPath, objectPath } from './file-place.ts'
import { type Attempt, FileWriter, fileReader } from './local-file.ts'
import { checkObjectName } from './object-names.ts'
import { publishFile, type StoredFile } from './publish-file.ts'
import { NEW, replaceFile } from './replace-file.ts'
import { storeError } from './store-error.ts'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, R_OK, W_OK, X_OK } = constants
const STATS_AT_ONCE = 32
/** A problem is reported if less than this share is free. */
const LOW_SHARE = 0.01

interface Dirent {
  name: string
  isFile(): boolean
  isDirectory(): boolean
}

/**
 * Stores objects as files, mode 0600, in folders, mode 0700. Does not follow symbolic links out of the store. Subclasses
 * override what differs between file systems.
 */
export class FileDriver implements BareDriver {
  readonly name: string
  readonly abilities: DriverAbilities
  protected readonly place: FilePlace

  constructor(name: string, abilities: DriverAbilities, place: FilePlace) {
    this.name = name
    this.abilities = abilities
    this.place = place
  }

  async create(name: string, { run }: CreateOptions = {}): Promise<ObjectWriter> {
    const writer = await this.createFile(unfinishedName(checkObjectName(name), run), name)
    return {
      write: (chunk) => writer.write(chunk),
      sync: () => writer.sync(),
      commit: () => writer.commit(name),
      abort: () => writer.abort(),
    }
  }

  createIn(folder: string): Promise<UnnamedWriter> {
    return this.createFile(`${folder}/${unnamedName()}`)
  }

  open(name: string): Promise<ObjectReader> {
    const attempt = this.attemptOn(name)
    return attempt('open', async () => {
      const file = await atObject(this.place, name, (path) => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
      return fileReader(file, await readFileSize(file), attempt)
    })
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    return this.attemptOn(name)('inspect', async () => {
      const stats = await ifThere(() => atObject(this.place, name, (path) => lstat(path)))
      return stats && { name, kind: readKind(stats), size: stats.size, modifiedMs: stats.mtimeMs }
    })
  }

  replace(name: string, content: Buffer): Promise<void> {
    return this.attemptOn(name)('replace', () =>
      atNewObject(this.place, name, (path) => replaceFile(path, content)),
    )
  }

  async update(name: string, change: (before: Buffer | undefined) => Buffer): Promise<void> {
    await this.replace(name, change(await readIfThere(this, name)))
  }

  async remove(name: string): Promise<void> {
    await this.attemptOn(name)('remove', () =>
      ifThere(() => atObject(this.place, name, (path) => unlink(path))),
    )
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
    const attempt = this.attemptOn(folder)
    const entries = await attempt('list', () =>
      ifThere(() => atFolder(this.place, folder, (path) => opendir(path, { bufferSize: 1024 }))),
    )
    if (!entries) return
    try {
      for (let entry = await attempt('list', () => entries.read()); entry; ) {
        yield { name: entry.name, kind: readKind(entry) }
        entry = await attempt('list', () => entries.read())
      }
    } finally {
      await entries.close()
    }
  }

  syncFolder(folder: string): Promise<void> {
    return this.attemptOn(folder)('sync', () => atFolder(this.place, folder, syncFolder))
  }

  space(): Promise<Space> {
    return this.attemptOn('')('read the free space of', async () => {
      const { bavail, blocks, bsize } = await this.place.within((root) => statfs(root))
      const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize]
      const left = `The store has ${byteText(freeBytes)} of ${byteText(totalBytes)} left`
      const problems = freeBytes < LOW_SHARE * totalBytes ? [left] : []
      return { freeBytes, totalBytes, trashBytes: null, quota: null, isEnforced: true, problems }
    })
  }

  check(): Promise<void> {
    return this.attemptOn('')('use', () =>
      this.place.within(async (root) => {
        // With the dot, because `root` may itself be a link in /proc.
        const stats = await lstat(`${root}/.`).catch(notADirectory)
        if (!stats?.isDirectory()) {
          throw new BackupdError('STORE_UNAVAILABLE', `The store ${this.place.dir} is not a directory`)
        }
        await access(root, R_OK | W_OK | X_OK)
      }),
    )
  }

  async withFolder<T>(folder: string, act: (path: string) => Promise<T>): Promise<T> {
    let isOpen = false
    try {
      return await atFolder(this.place, folder, (path) => {
        isOpen = true
        return act(path)
      })
    } catch (error) {
      if (isOpen) throw error
      throw storeError('open', { dir: this.place.dir, name: folder }, error)
    }
  }

  /** Converts the errors of calls on `name` to those of the driver contract. */
  protected attemptOn(name: string): Attempt {
    return async (doing, call) => {
      try {
        return await call()
      } catch (error) {
        throw storeError(doing, { dir: this.place.dir, name }, error)
      }
    }
  }

  /** @param name the object that errors name */
  protected async createFile(temporary: string, name = temporary): Promise<UnnamedWriter> {
    const attempt = this.attemptOn(name)
    const file = await attempt('create', () =>
      atNewObject(this.place, temporary, (path) => open(path, NEW, 0o600)),
    )
    return new FileWriter({
      file,
      attempt,
      publish: (to, stored) => this.#publish(temporary, to, stored),
      remove: () => this.remove(temporary),
    })
  }

  async #publish(temporary: string, name: string, file: StoredFile): Promise<void> {
    await this.attemptOn(name)('create', () =>
      this.place.within(async (root) => {
        const to = await newObjectPath(this.place, root, name)
        await publishFile(await objectPath(this.place, root, temporary), to, file)
      }),
    )
    await this.syncFolder(dirname(`/${name}`).slice(1))
  }

  async #statAll(folder: string, entries: ObjectName[]): Promise<ObjectStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const stats = await Promise.all(entries.map((entry) => this.stat(prefix + entry.name)))
    return stats.flatMap((stat) => (stat ? [{ ...stat, name: basename(stat.name) }] : []))
  }
}

async function readIfThere(driver: FileDriver, name: string): Promise<Buffer | undefined> {
  if (!(await driver.stat(name))) return undefined
  await using reader = await driver.open(name)
  return await reader.read(0, reader.size)
}

function readKind(entry: Pick<Dirent, 'isFile' | 'isDirectory'>): ObjectName['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : 'other'
}

async function readFileSize(file: FileHandle): Promise<number> {
  const stats = await file.stat()
  if (stats.isFile()) return stats.size
  await file.close()
  throw new BackupdError('STORE_UNAVAILABLE', 'it is not a regular file')
}

function notADirectory(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOTDIR') throw error
  return undefined
}

export function ifThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  return tolerate(['ENOENT'], call)
}
