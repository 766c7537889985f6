import { hash } from 'node:crypto'
import { createZstdDecompress } from 'node:zlib'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { readSmall } from '../../objects/small-objects.ts'
import { type RepositoryKey, seal, unseal } from '../codec/crypt.ts'
import { compress } from '../codec/zstd.ts'
import { unpackedName } from './layout.ts'
import type { RepositoryPlace, UnpackedKind } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'

/** The first byte of what follows: zstd. Older files are JSON as it is, and begin with one of the two others. */
const VERSION_ZSTD = 2
const OBJECT = 0x7b
const ARRAY = 0x5b
const SMALL_PIECE = 16 * 1024
/** Ids, of which such files mostly consist, hardly compress; zeros and spaces do, a thousand times and more. */
const MAX_RATIO = 100
/** A small file may be anything up to this. */
const ALWAYS_ALLOWED = 1024 * 1024
const LARGE_PIECE = 256 * 1024
/** A snapshot, a lock: one is a few KiB. */
const LARGEST_WHOLE = 64 * 1024 * 1024

export function hashOf(content: Buffer): Buffer {
  return hash('sha256', content, 'buffer')
}

export function sealUnpacked(key: RepositoryKey, content: Buffer): Buffer {
  return seal(key, Buffer.concat([Buffer.of(VERSION_ZSTD), compress(content)]))
}

/** The content in pieces, so that a large one need not be in memory whole. Throws REPOSITORY_DAMAGED. */
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
  else throw repositoryDamaged(name, `it begins with ${version ?? 'nothing'}, which no known format does`)
}

async function* inflated(name: string, packed: Buffer): AsyncGenerator<Buffer> {
  const chunkSize = Math.min(Math.max(SMALL_PIECE, packed.length), LARGE_PIECE)
  const inflate = createZstdDecompress({ chunkSize })
  inflate.end(packed)
  const most = Math.max(ALWAYS_ALLOWED, packed.length * MAX_RATIO)
  let length = 0
  try {
    for await (const piece of inflate) {
      length += piece.length
      if (length > most) break
      yield piece
    }
  } catch (cause) {
    throw repositoryDamaged(name, `it cannot be unpacked (${messageOf(cause)})`, cause)
  }
  if (length > most)
    throw repositoryDamaged(
      name,
      `its ${packed.length} bytes unpack to more than ${most}, which no such file does`,
    )
}

/** The content whole. Throws REPOSITORY_DAMAGED, above 64 MiB too. */
export async function unsealUnpacked(key: RepositoryKey, name: string, sealed: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of unpackedPieces(key, name, sealed)) {
    pieces.push(piece)
    length += piece.length
    if (length > LARGEST_WHOLE) throw repositoryDamaged(name, `it has more than ${LARGEST_WHOLE} bytes`)
  }
  return Buffer.concat(pieces, length)
}

/** The file as it lies in the store, what its id says. Throws NOT_FOUND, REPOSITORY_DAMAGED. */
export async function readUnpacked(place: RepositoryPlace, kind: UnpackedKind, id: string): Promise<Buffer> {
  const name = unpackedName(place, kind, id)
  const content = await readSmall(place.driver, name)
  if (!content) {
    throw new BackupdError('NOT_FOUND', `"${name}" is not in the store`, { facts: { object: name } })
  }
  if (hashOf(content).toString('hex') === id) return content
  throw repositoryDamaged(name, 'its content is not what its name says')
}
