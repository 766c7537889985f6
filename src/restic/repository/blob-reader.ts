import { type BackupdError, hasCode, isSystemError, messageOf } from '../../lib/errors.ts'
import { release } from '../../lib/release.ts'
import { type RepositoryKey, unseal } from '../codec/crypt.ts'
import { decompress } from '../codec/zstd.ts'
import type { BlobIndex } from './blob-index.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { OpenPacks } from './open-packs.ts'
import { openTreePack } from './open-tree-pack.ts'
import { type PackRun, packRuns } from './pack-runs.ts'
import type { Repository } from './repository.ts'
import { snapshotCorrupt } from './repository-errors.ts'
import { hashSha256 } from './unpacked.ts'

interface LocatedBlob extends BlobPlace {
  id: Buffer
}

/** The plain content of a blob, checked against its id; throws a RangeError that says what is wrong with it. */
export function openBlob(
  key: RepositoryKey,
  { id, plainLength, compressed }: { id: Buffer; plainLength: number; compressed: boolean },
  sealed: Buffer,
): Buffer {
  const packed = unseal(key, sealed)
  if (!packed) throw new RangeError('its checksum is wrong')
  const plain = compressed ? inflateBlob(packed, plainLength) : packed
  if (plain !== packed) release(packed)
  if (!hashSha256(plain).equals(id)) throw new RangeError('its content does not match its id')
  return plain
}

function inflateBlob(packed: Buffer, plainLength: number): Buffer {
  try {
    return decompress(packed, plainLength)
  } catch (error) {
    throw new RangeError(`it cannot be decompressed (${messageOf(error)})`)
  }
}

/** Reads blobs from packs and checks them; if one copy is damaged, another one is used. */
export class BlobReader {
  readonly #repository: Pick<Repository, 'place' | 'key' | 'warn' | 'distrust'>
  readonly #index: () => BlobIndex
  readonly #packs: OpenPacks
  /** Packs of trees, from the cache if the store has one. */
  readonly #treePacks: OpenPacks

  constructor(repository: Pick<Repository, 'place' | 'key' | 'warn' | 'distrust'>, index: () => BlobIndex) {
    this.#repository = repository
    this.#index = index
    const { place } = repository
    this.#packs = OpenPacks.inStore(place)
    this.#treePacks = new OpenPacks((pack) => openTreePack(place, pack))
  }

  async read(type: BlobType, id: Buffer): Promise<Buffer> {
    const index = this.#index()
    let fault = snapshotCorrupt({ type, id }, null, 'it is not in the index')
    for (const [copy, entry] of index.copies(type, id).entries()) {
      if (copy > 0) this.#repository.warn(`${fault.message}. Another copy of it is tried`)
      const place = index.placeAt(entry)
      try {
        return (
          (await this.#fromCache(type, { id, ...place })) ?? (await this.#readTwice({ id, ...place })).plain
        )
      } catch (error) {
        fault = this.#damaged({ type, id }, place.pack, describeFault(error))
      }
    }
    throw fault
  }

  async readSealed(type: BlobType, id: Buffer, place: BlobPlace): Promise<Buffer> {
    try {
      return (await this.#readTwice({ id, ...place })).sealed
    } catch (error) {
      throw this.#damaged({ type, id }, place.pack, describeFault(error))
    }
  }

  async *readMany(
    type: BlobType,
    ids: Iterable<Buffer>,
  ): AsyncGenerator<{ id: Buffer; plain: Buffer; pack: string }> {
    for (const run of packRuns(this.#wanted(type, ids))) {
      const bytes = run.blobs.length > 1 ? await this.#bytesOf(type, run) : undefined
      for (const each of run.blobs) {
        const sealed = bytes?.subarray(each.offset - run.offset).subarray(0, each.length)
        yield { id: each.id, pack: each.pack, plain: await this.#plainOf(type, each, sealed) }
      }
    }
  }

  async close(): Promise<void> {
    await this.#packs.close()
    await this.#treePacks.close()
  }

  /** A blob that is damaged in the bulk read is read alone: that finds another copy, or names the fault. */
  async #plainOf(type: BlobType, wanted: LocatedBlob, sealed: Buffer | undefined): Promise<Buffer> {
    if (sealed) {
      try {
        return openBlob(this.#repository.key, wanted, sealed)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
    return this.read(type, wanted.id)
  }

  #wanted(type: BlobType, ids: Iterable<Buffer>): LocatedBlob[] {
    const index = this.#index()
    const entries = new Map<number, Buffer>()
    for (const id of ids) {
      const entry = index.find(type, id)
      if (entry < 0) throw snapshotCorrupt({ type, id }, null, 'it is not in the index')
      entries.set(entry, id)
    }
    return [...entries].map(([entry, id]) => ({ id, ...index.placeAt(entry) }))
  }

  /** Undefined if the read fails: each blob is then read alone, which reports the error. */
  async #bytesOf(
    type: BlobType,
    { pack, offset, length }: PackRun<LocatedBlob>,
  ): Promise<Buffer | undefined> {
    const packs = type === 'tree' ? this.#treePacks : this.#packs
    return await packs.read(pack, offset, length).catch(() => undefined)
  }

  #damaged(blob: { type: BlobType; id: Buffer }, pack: string, reason: string): BackupdError {
    this.#repository.distrust([pack])
    return snapshotCorrupt(blob, pack, reason)
  }

  /** Undefined if the blob cannot be cached, or if the copy is damaged or unreadable, which says nothing about the store. */
  async #fromCache(type: BlobType, blob: LocatedBlob): Promise<Buffer | undefined> {
    const { place, key } = this.#repository
    if (type !== 'tree' || !place.driver.cache) return undefined
    const { pack, offset, length } = blob
    try {
      return openBlob(key, blob, await this.#treePacks.read(pack, offset, length))
    } catch (error) {
      if (!(error instanceof RangeError) && !isSystemError(error)) throw error
      await this.#treePacks.forget(pack)
      await place.driver.cache.drop(pack)
      return undefined
    }
  }

  /** One bad read proves no damage: what is damaged is read again, before anybody hears of it. */
  async #readTwice(blob: LocatedBlob): Promise<{ sealed: Buffer; plain: Buffer }> {
    try {
      return await this.#fromStore(blob)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return await this.#fromStore(blob)
    }
  }

  async #fromStore(blob: LocatedBlob): Promise<{ sealed: Buffer; plain: Buffer }> {
    const { pack, offset, length } = blob
    const sealed = await this.#packs.read(pack, offset, length)
    return { sealed, plain: openBlob(this.#repository.key, blob, sealed) }
  }
}

/**
 * What is wrong with a blob. Throws the error again if the store could not be read, which proves nothing about the
 * blob.
 */
function describeFault(error: unknown): string {
  if (error instanceof RangeError) return error.message
  if (hasCode(error, 'NOT_FOUND')) return 'the pack is not in the store'
  throw error
}
