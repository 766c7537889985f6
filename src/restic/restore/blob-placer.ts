import { hasCode } from '../../lib/errors.ts'
import type { BlobPlace } from '../repository/blob-place.ts'
import { OpenPacks } from '../repository/open-packs.ts'
import { chooseReadLimits, type PackRun, packRuns } from '../repository/pack-runs.ts'
import type { Repository } from '../repository/repository.ts'
import { snapshotCorrupt } from '../repository/repository-errors.ts'
import { PlacePool } from './place-pool.ts'
import { placeContent, type RefusedPlace, type WritePlace } from './place-run.ts'

/** The part of a repository that reading content needs; its index is loaded. */
export type BlobSource = Pick<Repository, 'place' | 'key' | 'locate' | 'readBlob' | 'blobSize' | 'streamBlob'>

/** A blob, its place according to the index, and the places that its content is written to. */
export interface WantedBlob<P extends WritePlace> {
  id: Buffer
  where: BlobPlace | undefined
  places: P[]
}

type Located<P extends WritePlace> = Pick<WantedBlob<P>, 'id' | 'places'> & BlobPlace
type Alone<P extends WritePlace> = Pick<Located<P>, 'id' | 'places' | 'plainLength'>

export interface PlacerOptions<P extends WritePlace> {
  source: BlobSource
  signal: AbortSignal
  onPlaced(place: P, bytes: number): void
  /** `error`: SNAPSHOT_CORRUPT if the content is lost, else an error with the code of the failed write. */
  onFailed(place: P, error: unknown): void
}

/** Concurrent reads for each call of place(). */
const MAX_READS = 2

/** Reads many data blobs with few, long reads, checks them, and writes their content to its places. */
export class BlobPlacer<P extends WritePlace> implements AsyncDisposable {
  readonly #options: PlacerOptions<P>
  readonly #packs: OpenPacks
  readonly #pool: PlacePool
  readonly #placing = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: PlacerOptions<P>) {
    this.#options = options
    this.#packs = OpenPacks.withoutReadAhead(options.source.place)
    this.#pool = new PlacePool(options.source.key)
  }

  /** The blobs must be distinct, and the files stay open until it ends. Throws if the store cannot be read. */
  async place(wanted: Iterable<WantedBlob<P>>): Promise<void> {
    const placing = this.#placeAll(wanted)
    this.#placing.add(placing)
    try {
      await placing
    } finally {
      this.#placing.delete(placing)
    }
  }

  /** Nothing is written any more after this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#pool[Symbol.asyncDispose]()
    await Promise.allSettled(this.#placing)
    // All data was checked when it was read, so a failed close does not matter.
    await this.#packs.close().catch(() => {})
  }

  async #placeAll(wanted: Iterable<WantedBlob<P>>): Promise<void> {
    const located: Located<P>[] = []
    for (const { id, where, places } of wanted) {
      if (where) located.push({ id, places, ...where })
      else await this.#placeAlone({ id, places, plainLength: 0 })
    }
    const limits = chooseReadLimits(this.#options.source.place.driver)
    const runs = packRuns(located, limits)[Symbol.iterator]()
    // Waits for all lanes, also after an error: no read may be in progress when the packs are closed.
    const lanes = Array.from({ length: MAX_READS }, () => this.#placeRuns(runs))
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #placeRuns(runs: Iterator<PackRun<Located<P>>>): Promise<void> {
    for (let next = runs.next(); !next.done; next = runs.next()) {
      this.#options.signal.throwIfAborted()
      if (this.#closed) throw new Error('the restore has ended')
      await this.#placeRun(next.value)
    }
  }

  async #placeRun(run: PackRun<Located<P>>): Promise<void> {
    const bytes = await this.#bytesOf(run)
    const blobs = run.blobs.map(({ id, offset, length, plainLength, compressed, places }) => ({
      at: offset - run.offset,
      length,
      plainLength,
      compressed,
      id: Uint8Array.from(id),
      places: places.map(({ fd, position }) => ({ fd, position })),
    }))
    const { damaged, refused } = await this.#pool.place({ bytes, blobs })
    for (const [n, located] of run.blobs.entries()) {
      const failed = refused.filter(({ blob }) => blob === n)
      if (damaged.includes(n)) await this.#placeAlone(located)
      else this.#report(located.places, located.plainLength, failed)
    }
  }

  /** Empty if the pack does not exist: each of its blobs is then read alone, perhaps from another pack. */
  async #bytesOf({ pack, offset, length }: PackRun<Located<P>>): Promise<Buffer> {
    try {
      return await this.#packs.read(pack, offset, length)
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return Buffer.alloc(0)
      throw error
    }
  }

  /**
   * Reads another copy, or reports the fault. Content with another length than in the index would overlap its
   * neighbour.
   */
  async #placeAlone({ id, places, plainLength }: Alone<P>): Promise<void> {
    try {
      const content = await this.#options.source.readBlob('data', id)
      if (content.length !== plainLength)
        throw snapshotCorrupt(
          { type: 'data', id },
          null,
          `it has ${content.length} bytes, but ${plainLength} in the index`,
        )
      this.#report(places, content.length, placeContent(content, places))
    } catch (error) {
      if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
      for (const place of places) this.#options.onFailed(place, error)
    }
  }

  #report(places: readonly P[], bytes: number, refused: RefusedPlace[]): void {
    for (const [at, place] of places.entries()) {
      const code = refused.find((one) => one.place === at)?.code
      if (code === undefined) this.#options.onPlaced(place, bytes)
      else this.#options.onFailed(place, Object.assign(new Error(`cannot be written (${code})`), { code }))
    }
  }
}
