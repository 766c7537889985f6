import { createHash } from 'node:crypto'
import { hasCode } from '../../../lib/errors.ts'
import type { ContentCache, Driver, ObjectReader } from '../../../objects/driver.ts'
import { openIfThere } from '../../../objects/small-objects.ts'
import type { Manifest } from '../../../wire/backup.ts'
import { makePieceKey } from '../../layout.ts'
import type { StoreWorld } from '../../world.ts'

const READ_BYTES = 1024 * 1024
const SHA256 = /^[0-9a-f]{64}$/

/** What the manifest says of the index. */
interface ExpectedIndex {
  key: string
  size: number
  sha256: string
}

/**
 * Opens the index of an archive, or its copy on this machine; null if it is missing, or is not the one that the manifest
 * names.
 */
export async function openIndex(
  { driver, warn }: StoreWorld,
  namespace: string,
  manifest: Manifest | null,
): Promise<ObjectReader | null> {
  if (!manifest?.index) return null
  const expected = { key: makePieceKey(namespace, manifest.name, 'index'), ...manifest.index }
  const copy = await openIndexCopy(driver, expected)
  if (copy) return copy
  const reader = await openIfThere(driver, expected.key)
  if (!reader) return null
  if (await isExpected(reader, expected)) return reader
  await reader.close()
  warn(`"${expected.key}" is not the index that the manifest names (sha256 or size differ): it is not used`)
  return null
}

/** Makes a copy if there is none. Undefined if that is impossible, or the index is not the expected one. */
async function openIndexCopy(driver: Driver, expected: ExpectedIndex): Promise<ObjectReader | undefined> {
  const { cache } = driver
  if (!cache || !SHA256.test(expected.sha256)) return undefined
  const copy = await openIntact(cache, expected)
  if (copy) return copy
  try {
    const known = { size: expected.size, spans: [{ from: 0, end: expected.size }] }
    await using reader = await driver.open(expected.key, known)
    await cache.put(expected.sha256, readIndexBytes(reader))
  } catch (error) {
    // It is missing, or has another size.
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'CONFLICT')) return undefined
    throw error
  }
  return await openIntact(cache, expected)
}

async function openIntact(cache: ContentCache, expected: ExpectedIndex): Promise<ObjectReader | undefined> {
  const copy = await cache.open(expected.sha256)
  // The run need not fail if the disk cannot read its copy: the store has the index.
  if (!copy || (await isExpected(copy, expected).catch(() => false))) return copy
  await copy.close()
  await cache.drop(expected.sha256)
  return undefined
}

async function isExpected(reader: ObjectReader, expected: ExpectedIndex): Promise<boolean> {
  if (reader.size !== expected.size) return false
  const hash = createHash('sha256')
  try {
    for await (const piece of readIndexBytes(reader)) hash.update(piece)
  } catch (error) {
    await reader.close()
    throw error
  }
  return hash.digest('hex') === expected.sha256
}

async function* readIndexBytes(reader: ObjectReader): AsyncGenerator<Buffer> {
  for (let at = 0; at < reader.size; at += READ_BYTES) yield await reader.read(at, READ_BYTES)
}
