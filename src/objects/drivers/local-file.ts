import type { FileHandle } from 'node:fs/promises'
import type { ObjectReader, ObjectWriter } from '../driver.ts'

/** Wraps the calls of a driver, so that every error is one of the driver contract. */
export type Attempt = <T>(doing: string, call: () => Promise<T>) => Promise<T>

/** Writes an object to an open file. */
export function fileWriter(file: FileHandle, attempt: Attempt): ObjectWriter {
  let closed = false
  return {
    write: (chunk) => attempt('write', () => writeAll(file, chunk)),
    sync: () => attempt('sync', () => file.sync()),
    async close() {
      if (closed) return
      closed = true
      await attempt('close', () => file.close())
    },
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
