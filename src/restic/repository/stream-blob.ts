import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { errnoOf, hasCode, isSystemError, messageOf } from '../../lib/errors.ts'
import { unseal } from '../codec/crypt.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { packName } from './layout.ts'
import { openTreePack } from './open-tree-pack.ts'
import type { Repository } from './repository.ts'
import { snapshotCorrupt } from './repository-errors.ts'

const PIECE_BYTES = 1 << 20

type Source = Pick<Repository, 'place' | 'key' | 'locate' | 'readBlob' | 'distrust'>

/** See Repository.streamBlob. Only the compressed form is in memory, which is small for a tree. */
export async function* streamBlob(source: Source, type: BlobType, id: Buffer): AsyncGenerator<Buffer> {
  const place = source.locate(type, id)
  const packed = place?.compressed ? await readPacked(source, type, place) : undefined
  if (!place || !packed) {
    yield await source.readBlob(type, id)
    return
  }
  const damaged = (reason: string) => {
    source.distrust([place.pack])
    return snapshotCorrupt({ type, id }, place.pack, reason)
  }
  const hash = createHash('sha256')
  try {
    let length = 0
    for await (const piece of inflateInPieces(packed)) {
      length += piece.length
      if (length > place.plainLength)
        throw damaged(`it decompresses to more than ${place.plainLength} bytes, its size in the index`)
      hash.update(piece)
      yield piece
    }
  } catch (error) {
    if (!errnoOf(error)?.startsWith('ZSTD_')) throw error
    throw damaged(`it cannot be decompressed (${messageOf(error)})`)
  }
  if (hash.digest().equals(id)) return
  throw damaged('its content does not match its id')
}

/** Undefined if this copy is missing or damaged, or the cached one unreadable: another copy may be intact. */
async function readPacked(
  { place: repository, key }: Source,
  type: BlobType,
  { pack, offset, length }: BlobPlace,
): Promise<Buffer | undefined> {
  try {
    await using reader =
      type === 'tree'
        ? await openTreePack(repository, pack)
        : await repository.driver.open(packName(repository, pack))
    return unseal(key, await reader.read(offset, length))
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || isSystemError(error)) return undefined
    throw error
  }
}

async function* inflateInPieces(packed: Buffer): AsyncGenerator<Buffer> {
  const output = Readable.from(cutPieces(packed)).pipe(createZstdDecompress({ chunkSize: PIECE_BYTES }))
  try {
    yield* output
  } finally {
    output.destroy()
  }
}

function* cutPieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
