import type { FileHandle } from 'node:fs/promises'
import type { ObjectReader, UnnamedWriter } from '../driver.ts'
import type { StoredFile } from './publish-file.ts'

/** Wraps the calls of a driver, so that every error is one of the driver contract. */
export type Attempt = <T>(doing: string, call: () => Promise<T>) => Promise<T>

/** The file of an object that has no name yet. */
export interface TemporaryFile {
  file: FileHandle
  attempt: Attempt
  /** Gives the closed file its name, durably. */
  publish(name: string, file: StoredFile): Promise<void>
  remove(): Promise<void>
}

/** Writes an object to a temporary file, which gets its name at the end. */
export class FileWriter implements UnnamedWriter {
  readonly #temporary: TemporaryFile
  /** A failed sync is never repeated: the kernel would report the lost pages as written. */
  #stored: Promise<StoredFile> | undefined
  #isOpen = true
  #isCommitted = false

  constructor(temporary: TemporaryFile) {
    this.#temporary = temporary
  }

  write(chunk: Buffer): Promise<void> {
    const { file, attempt } = this.#temporary
    return attempt('write', () => writeAll(file, chunk))
  }

  async sync(): Promise<number> {
    return Number((await this.#store()).size)
  }

  async commit(name: string): Promise<void> {
    await this.#temporary.publish(name, await this.#store())
    this.#isCommitted = true
  }

  async abort(): Promise<void> {
    if (this.#isOpen) await this.#close().catch(() => {})
    if (!this.#isCommitted) await this.#temporary.remove().catch(() => {})
  }

  #store(): Promise<StoredFile> {
    this.#stored ??= this.#syncAndClose()
    return this.#stored
  }

  async #syncAndClose(): Promise<StoredFile> {
    const { file, attempt } = this.#temporary
    await attempt('sync', () => file.sync())
    const stored = await attempt('sync', () => file.stat({ bigint: true }))
    await this.#close()
    return stored
  }

  async #close(): Promise<void> {
    this.#isOpen = false
    const { file, attempt } = this.#temporary
    await attempt('close', () => file.close())
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at)
    at += bytesWritten
  }
}

/** Reads an object from an open file; `size` is its size when it was opened. */
export function fileReader(file: FileHandle, size: number, attempt: Attempt): ObjectReader {
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await file.close()
  }
  return {
    size,
    read: (position, length) => attempt('read', () => readFully(file, position, length)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Reads `length` bytes; fewer only at the end of the file. */
export async function readFully(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
