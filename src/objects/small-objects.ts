import { BackupdError, hasCode } from '../lib/errors.ts'
import type { ByteSink, Driver, ObjectReader, ObjectWriter } from './driver.ts'
import { isTransient } from './transient.ts'

const MAX_BYTES = 64 * 1024 * 1024
/** See CreateOptions. */
const MAX_SMALL_BYTES = 64 * 1024
const COPY_BYTES = 1024 * 1024
const CONCURRENCY = 16

/** Reads a small object; undefined if it does not exist. Throws STORE_UNAVAILABLE if it is larger than 64 MiB. */
export async function readSmall(driver: Driver, name: string): Promise<Buffer | undefined> {
  if (driver.readWhole) return await driver.readWhole(name, MAX_BYTES)
  const reader = await openIfThere(driver, name)
  if (!reader) return undefined
  await using _closed = reader
  if (reader.size > MAX_BYTES) throw tooLargeToRead(name, reader.size)
  return await reader.read(0, reader.size)
}

export function tooLargeToRead(name: string, bytes: number): BackupdError {
  return new BackupdError('STORE_UNAVAILABLE', `"${name}" has ${bytes} bytes, more than such a file can have`)
}

export type SmallRead =
  | { content: Buffer | undefined; problem: null }
  | { content: undefined; problem: string }

/**
 * Like readSmall, but what is wrong with this one object is a value: it may be too large, no file, or on a bad sector,
 * and must not hide the others. Throws only if the store itself cannot be used.
 */
export async function tryReadSmall(driver: Driver, name: string): Promise<SmallRead> {
  try {
    return { content: await readSmall(driver, name), problem: null }
  } catch (error) {
    return { content: undefined, problem: (await findObjectProblem(driver, error)).message }
  }
}

/**
 * Removes an object. Returns the error if only this object cannot be removed, such as a directory in its place; throws
 * it if the store itself fails.
 */
export async function tryRemove(driver: Driver, name: string): Promise<BackupdError | undefined> {
  try {
    await driver.remove(name)
    return undefined
  } catch (error) {
    return await findObjectProblem(driver, error)
  }
}

/**
 * Returns an error that is about one object of a store that can be used; throws any other. A transient error says nothing
 * about the object, even if the store answers again now.
 */
export async function findObjectProblem(driver: Driver, error: unknown): Promise<BackupdError> {
  if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error
  await driver.check()
  if (isTransient(error)) throw error
  return error
}

export async function openIfThere(driver: Driver, name: string): Promise<ObjectReader | undefined> {
  try {
    return await driver.open(name)
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** Creates a small object; it is on disk when this resolves. Throws CONFLICT if it exists. */
export async function createSmall(driver: Driver, name: string, content: Buffer): Promise<void> {
  const isSmall = content.length <= MAX_SMALL_BYTES
  await createWith(await driver.create(name, { isSmall }), (writer) => writer.write(content))
}

/** Copies an object of any size to a new name. Throws NOT_FOUND, or CONFLICT if that name exists. */
export async function copyObject(driver: Driver, from: string, to: string): Promise<void> {
  await using reader = await driver.open(from)
  await createWith(await driver.create(to), async (writer) => {
    for (let at = 0; at < reader.size; at += COPY_BYTES) await writer.write(await reader.read(at, COPY_BYTES))
  })
}

async function createWith(writer: ObjectWriter, fill: (writer: ByteSink) => Promise<void>): Promise<void> {
  try {
    await fill(writer)
    await writer.commit()
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** Yields the results of `of` for each item, in order; runs a few at a time. */
export async function* mapInOrder<T, R>(items: readonly T[], of: (item: T) => Promise<R>): AsyncGenerator<R> {
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    yield* await Promise.all(items.slice(at, at + CONCURRENCY).map(of))
  }
}
