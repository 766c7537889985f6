import { BackupdError } from '../../lib/errors.ts'
import type { BlobPlace } from '../repository/blob-place.ts'
import { OpenPacks } from '../repository/open-packs.ts'
import { type PackRun, packRuns } from '../repository/pack-runs.ts'
import type { Repository } from '../repository/repository.ts'
import { snapshotCorrupt } from '../repository/repository-errors.ts'
import { PlacePool } from './place-pool.ts'
import { type Place, placeContent, type Refused } from './place-run.ts'

/** Of a repository, what reading content needs; its index is loaded. */
export type ContentSource = Pick<
  Repository,
  'place' | 'key' | 'locate' | 'readBlob' | 'blobSize' | 'streamBlob'
>

/** A blob, where it lies as far as the index knows, and where its content goes. */
export interface Wanted<P extends Place> {
  id: Buffer
  where: BlobPlace | undefined
  places: P[]
}

type Located<P extends Place> = Pick<Wanted<P>, 'id' | 'places'> & BlobPlace
type Alone<P extends Place> = Pick<Located<P>, 'id' | 'places' | 'plainLength'>

export interface PlacerOptions<P extends Place> {
  source: ContentSource
  signal: AbortSignal
  onPlaced(place: P, bytes: number): void
  /** `error`: SNAPSHOT_CORRUPT where the content cannot be had, else with the code of a write that failed. */
  onFailed(place: P, error: unknown): void
}

/** Reads at once, for each load. */
const LANES = 2

/** Reads many blobs of content with few, long reads, and writes what is in them where it goes; all of it is checked. */
export class BlobPlacer<P extends Place> implements AsyncDisposable {
  readonly #options: PlacerOptions<P>
  readonly #packs: OpenPacks
  readonly #pool: PlacePool
  readonly #placing = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: PlacerOptions<P>) {
    this.#options = options
    this.#packs = new OpenPacks(options.source.place)
    this.#pool = new PlacePool(options.source.key)
  }

  /** The blobs are all different. The files stay open until it ends. Throws where the store cannot be read. */
  async place(wanted: Iterable<Wanted<P>>): Promise<void> {
    const placing = this.#placeAll(wanted)
    this.#placing.add(placing)
    try {
      await placing
    } finally {
      this.#placing.delete(placing)
    }
  }

  /** After it nothing is written any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#pool[Symbol.asyncDispose]()
    await Promise.allSettled(this.#placing)
    // What was read is checked: a close that fails takes nothing of it back.
    await this.#packs.close().catch(() => {})
  }

  async #placeAll(wanted: Iterable<Wanted<P>>): Promise<void> {
    const located: Located<P>[] = []
    for (const { id, where, places } of wanted) {
      if (where) located.push({ id, places, ...where })
      else await this.#placeAlone({ id, places, plainLength: 0 })
    }
    const runs = packRuns(located)[Symbol.iterator]()
    // All of them end before it does: nothing may be read any more when the packs are closed.
    const lanes = Array.from({ length: LANES }, () => this.#placeRuns(runs))
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
      ...{ at: offset - run.offset, length, plainLength, compressed },
      id: Uint8Array.from(id),
      places: places.map(({ fd, position }) => ({ fd, position })),
    }))
    const { damaged, refused } = await this.#pool.place({ bytes, blobs })
    for (const [n, located] of run.blobs.entries()) {
      const failed = refused.filter(({ blob }) => blob === n)
      if (damaged.includes(n)) await this.#placeAlone(located)
      else this.#tell(located.places, located.plainLength, failed)
    }
  }

  /** Nothing where the pack is not there: each of its blobs is then looked for alone. */
  async #bytesOf({ pack, offset, length }: PackRun<Located<P>>): Promise<Buffer> {
    try {
      return await this.#packs.read(pack, offset, length)
    } catch (error) {
      if (error instanceof BackupdError && error.code === 'NOT_FOUND') return Buffer.alloc(0)
      throw error
    }
  }

  /** Finds another copy, or names the fault. One of another length than the index said would not fit in between. */
  async #placeAlone({ id, places, plainLength }: Alone<P>): Promise<void> {
    try {
      const content = await this.#options.source.readBlob('data', id)
      if (content.length !== plainLength)
        throw snapshotCorrupt({ type: 'data', id }, null, 'the index has a wrong length of it')
      this.#tell(places, content.length, placeContent(content, places))
    } catch (error) {
      if (!(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') throw error
      for (const place of places) this.#options.onFailed(place, error)
    }
  }

  #tell(places: readonly P[], bytes: number, refused: Refused[]): void {
    for (const [at, place] of places.entries()) {
      const code = refused.find((one) => one.place === at)?.code
      if (code === undefined) this.#options.onPlaced(place, bytes)
      else this.#options.onFailed(place, Object.assign(new Error(`cannot be written (${code})`), { code }))
    }
  }
}
