// Keeps a ContentCache in a folder, `<data>/cache`: one file for each object, `<2 hex>/<id>`. Processes share it without
// locks: a file is written under a name of its own and renamed, and one that is removed stays readable for whoever has it
// open. Nothing is synced, because content is verified when it is read. The folder may be deleted at any time.

import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/make-folder.ts'
import type { ContentCache, ObjectReader } from '../driver.ts'
import { readFully } from '../drivers/local-file.ts'
import { evictOldest, newCopyName } from './evict-oldest.ts'

export interface FolderCacheOptions {
  folder: string
  /** The oldest copies are removed above this. Each process may exceed it by a sixteenth. */
  maxBytes: number
  /** Called once, for the first problem: a cache that cannot be used only costs time. */
  warn?(message: string): void
}

const ID = /^[0-9a-f]{64}$/
/** With less room in the file system, nothing is kept: the daemon needs it. */
const MIN_FREE_BYTES = 512 * 1024 * 1024
/** A copy that was used counts as new; a younger one is not marked again. */
const MARK_INTERVAL_MS = 60 * 60_000

export class FolderCache implements ContentCache {
  readonly #options: FolderCacheOptions
  /** Bytes that may still be added before the folder is measured again. */
  #room = 0
  #hasWarned = false

  constructor(options: FolderCacheOptions) {
    this.#options = options
  }

  async open(id: string): Promise<ObjectReader | undefined> {
    const path = this.#path(id)
    try {
      return await openCopy(path)
    } catch (error) {
      this.#warn(error)
      return undefined
    }
  }

  async put(id: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const path = this.#path(id)
    const copy = await this.#begin()
    if (!copy) return
    await using _closed = copy
    for await (const piece of content) if (!(await copy.write(piece))) break
    try {
      await this.#makeRoom(await copy.publish(id, path))
    } catch (error) {
      this.#warn(error)
    }
  }

  async drop(id: string): Promise<void> {
    const path = this.#path(id)
    await rm(path, { force: true }).catch((error) => this.#warn(error))
  }

  async #begin(): Promise<NewCopy | undefined> {
    try {
      return await NewCopy.begin(this.#options.folder)
    } catch (error) {
      this.#warn(error)
      return undefined
    }
  }

  /** Throws for anything but an id: a name with `..` must not lead out of the folder. */
  #path(id: string): string {
    if (!ID.test(id)) throw new TypeError(`${JSON.stringify(id)} is not an id of 64 hex digits`)
    return join(this.#options.folder, id.slice(0, 2), id)
  }

  async #makeRoom(added: number): Promise<void> {
    this.#room -= added
    if (this.#room > 0) return
    const { folder, maxBytes } = this.#options
    await evictOldest(folder, maxBytes)
    this.#room = maxBytes / 16
  }

  /** What is missing was removed by somebody, which is allowed. */
  #warn(error: unknown): void {
    if (this.#hasWarned || errnoOf(error) === 'ENOENT') return
    this.#hasWarned = true
    const { folder, warn } = this.#options
    warn?.(`The cache "${folder}" cannot be used, so more is read from the store: ${messageOf(error)}`)
  }
}

async function openCopy(path: string): Promise<ObjectReader> {
  const file = await open(path, 'r')
  try {
    const { size, mtimeMs } = await file.stat()
    const now = new Date()
    if (Math.abs(now.getTime() - mtimeMs) > MARK_INTERVAL_MS) await file.utimes(now, now).catch(() => {})
    return makeReader(file, size)
  } catch (error) {
    await file.close()
    throw error
  }
}

function makeReader(file: FileHandle, size: number): ObjectReader {
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= file.close()
    return closing
  }
  return {
    size,
    read: (position, length) => readFully(file, position, Math.max(0, Math.min(length, size - position))),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A copy that is being written. */
class NewCopy implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #temporary: string
  readonly #hash = createHash('sha256')
  #failure: { error: unknown } | undefined
  #bytes = 0
  #isPublished = false

  private constructor(file: FileHandle, temporary: string) {
    this.#file = file
    this.#temporary = temporary
  }

  static async begin(folder: string): Promise<NewCopy> {
    await makeFolder(folder)
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize < MIN_FREE_BYTES) throw new Error('its file system has less than 512 MiB left')
    const temporary = join(folder, newCopyName())
    return new NewCopy(await open(temporary, 'wx', 0o600), temporary)
  }

  /** Returns false if it failed: the rest need not be read, and publish() throws the reason. */
  async write(piece: Buffer): Promise<boolean> {
    this.#hash.update(piece)
    this.#bytes += piece.length
    try {
      await this.#file.writeFile(piece)
      return true
    } catch (error) {
      this.#failure = { error }
      return false
    }
  }

  /** Gives it its name if it has this id. Returns how many bytes are kept. */
  async publish(id: string, path: string): Promise<number> {
    if (this.#failure) throw this.#failure.error
    if (this.#hash.digest('hex') !== id) return 0
    await makeFolder(dirname(path))
    await rename(this.#temporary, path)
    this.#isPublished = true
    return this.#bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close().catch(() => {})
    if (!this.#isPublished) await rm(this.#temporary, { force: true }).catch(() => {})
  }
}
