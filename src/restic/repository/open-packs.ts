import type { ObjectReader } from '../../objects/driver.ts'
import { packName } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'

const MAX_OPEN = 16

interface OpenPack {
  reader: Promise<ObjectReader>
  busy: number
}

/** Reads from packs, and keeps the most recently used ones open. */
export class OpenPacks {
  readonly #openPack: (pack: string) => Promise<ObjectReader>
  /** In the order of use, the most recent one last. */
  readonly #packs = new Map<string, OpenPack>()

  constructor(openPack: (pack: string) => Promise<ObjectReader>) {
    this.#openPack = openPack
  }

  /** Reads from the store itself. */
  static inStore(place: RepositoryPlace): OpenPacks {
    return new OpenPacks((pack) => place.driver.open(packName(place, pack)))
  }

  /** Like inStore(), for long reads in any order: nothing is fetched ahead, and opening a pack costs no request. */
  static withoutReadAhead(place: RepositoryPlace): OpenPacks {
    return new OpenPacks((pack) => place.driver.open(packName(place, pack), { spans: [] }))
  }

  /** Returns fewer bytes at the end of the pack. Throws NOT_FOUND if the pack does not exist. */
  async read(pack: string, offset: number, length: number): Promise<Buffer> {
    const open = this.#open(pack)
    open.busy += 1
    try {
      return await (await open.reader).read(offset, length)
    } finally {
      open.busy -= 1
      if (open.busy === 0 && this.#packs.get(pack) !== open) await closeQuietly(open)
      await this.#closeIdle(MAX_OPEN)
    }
  }

  /** Opens the pack again with its next read. */
  async forget(pack: string): Promise<void> {
    const open = this.#packs.get(pack)
    this.#packs.delete(pack)
    if (open?.busy === 0) await closeQuietly(open)
  }

  /** No read may be in progress. */
  async close(): Promise<void> {
    await this.#closeIdle(0)
  }

  #open(pack: string): OpenPack {
    const known = this.#packs.get(pack)
    const open = known ?? { reader: this.#openPack(pack), busy: 0 }
    this.#packs.delete(pack)
    this.#packs.set(pack, open)
    if (!known) open.reader.catch(() => this.#packs.delete(pack))
    return open
  }

  async #closeIdle(kept: number): Promise<void> {
    for (const [pack, { reader, busy }] of this.#packs) {
      if (this.#packs.size <= kept) return
      if (busy > 0) continue
      this.#packs.delete(pack)
      await (await reader).close()
    }
  }
}

/** One that could not be opened has nothing to close. */
async function closeQuietly({ reader }: OpenPack): Promise<void> {
  await reader.then(
    (each) => each.close(),
    () => {},
  )
}
