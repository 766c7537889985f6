import { hash } from 'node:crypto'
import { createZstdDecompress } from 'node:zlib'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import type { ContentCache } from '../../objects/driver.ts'
import { readSmall } from '../../objects/small-objects.ts'
import { type RepositoryKey, seal, unseal } from '../codec/crypt.ts'
import { compress } from '../codec/zstd.ts'
import { isId, unpackedName } from './layout.ts'
import type { RepositoryPlace, UnpackedKind } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'

/** The first byte of zstd content. Older files are plain JSON, and start with one of the other two. */
const VERSION_ZSTD = 2
const OBJECT = 0x7b
const ARRAY = 0x5b
const MIN_PIECE_BYTES = 16 * 1024
const MAX_PIECE_BYTES = 256 * 1024
/** Guards against decompression bombs: real files are mostly ids, which hardly compress. */
const MAX_RATIO = 100
/** Content up to this size is always allowed, whatever the ratio. */
const ALWAYS_ALLOWED_BYTES = 1024 * 1024
/** Files that are read at once, such as snapshots and locks, normally have a few KiB. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024

export function hashSha256(content: Buffer): Buffer {
  return hash('sha256', content, 'buffer')
}

export function sealUnpacked(key: RepositoryKey, content: Buffer): Buffer {
  return seal(key, Buffer.concat([Buffer.of(VERSION_ZSTD), compress(content)]))
}

/** The content in pieces, so that a large file is never in memory as a whole. Throws REPOSITORY_DAMAGED. */
export async function* unpackedPieces(
  key: RepositoryKey,
  name: string,
  sealed: Buffer,
): AsyncGenerator<Buffer> {
  const plain = unseal(key, sealed)
  if (!plain) throw repositoryDamaged(name, 'its checksum is wrong, or it was sealed with another key')
  const version = plain[0]
  if (version === OBJECT || version === ARRAY) yield plain
  else if (version === VERSION_ZSTD) yield* inflated(name, plain.subarray(1))
  else
    throw repositoryDamaged(
      name,
      version === undefined ? 'it is empty' : `it begins with the byte ${version}, so its format is unknown`,
    )
}

async function* inflated(name: string, packed: Buffer): AsyncGenerator<Buffer> {
  const chunkSize = Math.min(Math.max(MIN_PIECE_BYTES, packed.length), MAX_PIECE_BYTES)
  const inflate = createZstdDecompress({ chunkSize })
  inflate.end(packed)
  const maxLength = Math.max(ALWAYS_ALLOWED_BYTES, packed.length * MAX_RATIO)
  let length = 0
  try {
    for await (const piece of inflate) {
      length += piece.length
      if (length > maxLength) break
      yield piece
    }
  } catch (cause) {
    throw repositoryDamaged(name, `it cannot be decompressed (${messageOf(cause)})`, cause)
  }
  if (length > maxLength)
    throw repositoryDamaged(
      name,
      `its ${packed.length} bytes decompress to more than ${maxLength}, which is not plausible`,
    )
}

/** The whole content. Throws REPOSITORY_DAMAGED, also if it is larger than 64 MiB. */
export async function unsealUnpacked(key: RepositoryKey, name: string, sealed: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of unpackedPieces(key, name, sealed)) {
    pieces.push(piece)
    length += piece.length
    if (length > MAX_WHOLE_BYTES)
      throw repositoryDamaged(name, `it has more than ${MAX_WHOLE_BYTES} bytes, the limit`)
  }
  return Buffer.concat(pieces, length)
}

/**
 * Reads a file, still sealed, and checks it against its id. Throws NOT_FOUND, REPOSITORY_DAMAGED. Snapshots and indexes
 * are cached when they are read, not when they are written: so the first read proves that the store has them.
 */
export async function readUnpacked(place: RepositoryPlace, kind: UnpackedKind, id: string): Promise<Buffer> {
  const { cache } = place.driver
  if (!cache || !isId(id) || (kind !== 'snapshots' && kind !== 'index'))
    return await readStored(place, kind, id)
  const known = await readCopy(cache, id)
  if (known) return known
  const content = await readStored(place, kind, id)
  await cache.put(id, [content])
  return content
}

async function readCopy(cache: ContentCache, id: string): Promise<Buffer | undefined> {
  const copy = await cache.open(id)
  if (!copy) return undefined
  await using _closed = copy
  const content = await copy.read(0, copy.size).catch(() => undefined)
  if (content && hashSha256(content).toString('hex') === id) return content
  await cache.drop(id)
  return undefined
}

async function readStored(place: RepositoryPlace, kind: UnpackedKind, id: string): Promise<Buffer> {
  const name = unpackedName(place, kind, id)
  const content = await readSmall(place.driver, name)
  if (!content) {
    throw new BackupdError('NOT_FOUND', `"${name}" does not exist in the store`, { facts: { object: name } })
  }
  if (hashSha256(content).toString('hex') === id) return content
  throw repositoryDamaged(name, 'its content does not match its name')
}
