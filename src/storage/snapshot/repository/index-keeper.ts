import { BackupdError } from '../../../lib/errors.ts'
import { BlobIndex } from './blob-index.ts'
import { type IndexRow, indexJson, readIndexFile, readPacks } from './index-file.ts'
import { folderName, idsIn } from './layout.ts'
import type { Repository } from './repository.ts'

const TRIES = 5

/** The index of blobs in memory, with the index files that it was read from. */
export class IndexKeeper {
  index = new BlobIndex()
  /** By file: the numbers of the packs that it names. */
  readonly files = new Map<string, Uint32Array>()
  readonly #repository: Pick<Repository, 'place' | 'key'>

  constructor(repository: Pick<Repository, 'place' | 'key'>) {
    this.#repository = repository
  }

  /** Reads what is new; all of it anew where a file that was read is gone. */
  async load(): Promise<BlobIndex> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#loadOnce()
        return this.index
      } catch (error) {
        // Somebody pruned, who takes old index files away after writing new ones.
        const isGone = error instanceof BackupdError && error.code === 'NOT_FOUND'
        if (!isGone || tries >= TRIES) throw error
      }
    }
  }

  /** As Repository.dropFromIndex has it. */
  async drop(
    repository: Pick<Repository, 'place' | 'key' | 'saveUnpacked' | 'removeUnpacked'>,
    packs: ReadonlySet<string>,
  ): Promise<void> {
    const numbers = new Set(Array.from(packs, (pack) => this.index.packNumber(pack)))
    const touched = [...this.files].filter(([, named]) => named.some((number) => numbers.has(number)))
    for (const [file] of touched) {
      const kept: { id: string; rows: IndexRow[] }[] = []
      await readPacks(repository, file, (id, rows) => {
        if (!packs.has(id)) kept.push({ id, rows })
      })
      if (kept.length > 0) {
        const fresh = await repository.saveUnpacked('index', indexJson(kept))
        this.files.set(
          fresh,
          Uint32Array.from(kept, ({ id }) => this.index.internPack(id)),
        )
      }
      await repository.removeUnpacked('index', file)
      this.files.delete(file)
    }
    for (const number of numbers) if (number !== undefined) this.index.forgetPack(number)
  }

  async #loadOnce(): Promise<void> {
    const { place } = this.#repository
    const present = new Set<string>()
    for await (const id of idsIn(place, folderName(place, 'index'))) present.add(id)
    if ([...this.files.keys()].some((id) => !present.has(id))) {
      this.index = new BlobIndex()
      this.files.clear()
    }
    for (const id of present) {
      if (!this.files.has(id)) this.files.set(id, await readIndexFile(this.#repository, id, this.index))
    }
  }
}
