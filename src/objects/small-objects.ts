import { BackupdError } from '../lib/errors.ts'
import type { Driver, ObjectReader } from './driver.ts'

const LARGEST = 64 * 1024 * 1024
const AT_ONCE = 16

/** All of a small object, or undefined where it is not there. Throws STORE_UNAVAILABLE above 64 MiB. */
export async function readSmall(driver: Driver, name: string): Promise<Buffer | undefined> {
  const reader = await openIfThere(driver, name)
  if (!reader) return undefined
  await using _closed = reader
  if (reader.size > LARGEST) {
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `"${name}" has ${reader.size} bytes, more than such a file ever has`,
    )
  }
  return await reader.read(0, reader.size)
}

export async function openIfThere(driver: Driver, name: string): Promise<ObjectReader | undefined> {
  try {
    return await driver.open(name)
  } catch (error) {
    if (error instanceof BackupdError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** A new small object, on the disk when this resolves. */
export async function createSmall(driver: Driver, name: string, content: Buffer): Promise<void> {
  const writer = await driver.create(name)
  try {
    await writer.write(content)
    await writer.sync()
  } finally {
    await writer.close()
  }
}

/** `of` each item, in their order, a few at a time. */
export async function* eachOf<T, R>(items: readonly T[], of: (item: T) => Promise<R>): AsyncGenerator<R> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    yield* await Promise.all(items.slice(at, at + AT_ONCE).map(of))
  }
}
