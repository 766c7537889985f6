import { BackupdError } from '../../../lib/errors.ts'
import { OpenPacks } from '../repository/open-packs.ts'
import type { Repository } from '../repository/repository.ts'
import { sealedRun } from './open-run.ts'
import { type PackRun, packRuns, type Wanted } from './pack-runs.ts'
import { UnsealPool } from './unseal-pool.ts'

/** Of a repository, what reading content needs; its index is loaded. */
export type ContentSource = Pick<
  Repository,
  'place' | 'key' | 'locate' | 'readBlob' | 'blobSize' | 'streamBlob'
>

/** Plain content, or why it cannot be had (SNAPSHOT_CORRUPT). */
export type Loaded = Buffer | BackupdError

/** Reads at once, for each load. */
const LANES = 2

/** Reads many blobs of content with few, long reads; all of it is checked. */
export class BlobLoader implements AsyncDisposable {
  private readonly source: ContentSource
  private readonly signal: AbortSignal
  private readonly packs: OpenPacks
  private readonly pool: UnsealPool
  private readonly loading = new Set<Promise<unknown>>()
  private closed = false

  constructor(source: ContentSource, signal: AbortSignal) {
    this.source = source
    this.signal = signal
    this.packs = new OpenPacks(source.place)
    this.pool = new UnsealPool(source.key)
  }

  /** By blobKey(id), each of `ids`, which are all different. Throws where the store cannot be read. */
  async load(ids: Iterable<Buffer>): Promise<Map<string, Loaded>> {
    const load = this.loadAll(ids)
    this.loading.add(load)
    try {
      return await load
    } finally {
      this.loading.delete(load)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true
    await this.pool[Symbol.asyncDispose]()
    await Promise.allSettled(this.loading)
    await this.packs.close()
  }

  private async loadAll(ids: Iterable<Buffer>): Promise<Map<string, Loaded>> {
    const loaded = new Map<string, Loaded>()
    const wanted: Wanted[] = []
    for (const id of ids) {
      const place = this.source.locate('data', id)
      if (place) wanted.push({ id, ...place })
      else loaded.set(blobKey(id), await this.readAlone(id))
    }
    const runs = packRuns(wanted)[Symbol.iterator]()
    // All of them end before it does: nothing may be read any more when the packs are closed.
    const lanes = Array.from({ length: LANES }, () => this.loadRuns(runs, loaded))
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
    if (failed) throw failed.reason
    return loaded
  }

  private async loadRuns(runs: Iterator<PackRun>, loaded: Map<string, Loaded>): Promise<void> {
    for (let next = runs.next(); !next.done; next = runs.next()) {
      this.signal.throwIfAborted()
      if (this.closed) throw new Error('the restore has ended')
      await this.loadRun(next.value, loaded)
    }
  }

  private async loadRun(run: PackRun, loaded: Map<string, Loaded>): Promise<void> {
    const bytes = await this.bytesOf(run)
    const { plain, lengths } = await this.pool.open(sealedRun(run, bytes))
    let at = 0
    for (const [n, { id }] of run.blobs.entries()) {
      const length = lengths[n] ?? -1
      loaded.set(
        blobKey(id),
        length < 0 ? await this.readAlone(id) : Buffer.from(plain.buffer, plain.byteOffset + at, length),
      )
      at += Math.max(length, 0)
    }
  }

  /** Nothing where the pack is not there: each of its blobs is then looked for alone. */
  private async bytesOf({ pack, offset, length }: PackRun): Promise<Buffer> {
    try {
      return await this.packs.read(pack, offset, length)
    } catch (error) {
      if (error instanceof BackupdError && error.code === 'NOT_FOUND') return Buffer.alloc(0)
      throw error
    }
  }

  /** Finds another copy, or names the fault. */
  private async readAlone(id: Buffer): Promise<Loaded> {
    try {
      return await this.source.readBlob('data', id)
    } catch (error) {
      if (error instanceof BackupdError && error.code === 'SNAPSHOT_CORRUPT') return error
      throw error
    }
  }
}

export function blobKey(id: Buffer): string {
  return id.toString('latin1')
}
