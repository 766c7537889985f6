import { hasCode } from '../../lib/errors.ts'
import { BlobIndex } from './blob-index.ts'
import { readIndexFile } from './index-file.ts'
import { folderName, idsIn } from './layout.ts'
import type { Repository } from './repository.ts'
import { rewriteIndex } from './rewrite-index.ts'

const MAX_TRIES = 5
/** Up to this many packs, an index file is small. From MIN_SMALL_FILES small files on, they are merged. */
const MAX_PACKS_OF_SMALL_FILE = 8
const MIN_SMALL_FILES = 32

/** The index of blobs in memory, with the index files that it was read from. */
export class IndexKeeper {
  /** Packs with damage. */
  readonly distrusted = new Set<string>()
  index = new BlobIndex(this.distrusted)
  /** Index file → the numbers of the packs that it names. */
  readonly files = new Map<string, Uint32Array>()
  /** Index files that are left out: they are known to be damaged. */
  readonly ignored = new Set<string>()
  /** Whether index files that prove damaged are ignored from then on; else they are errors. */
  ignoresDamaged = false
  readonly #repository: Pick<Repository, 'place' | 'key'>
  #last: Promise<unknown> = Promise.resolve()

  constructor(repository: Pick<Repository, 'place' | 'key'>) {
    this.#repository = repository
  }

  /** Reads new index files, or all of them again if one that was read is gone. Calls run one after the other. */
  load(): Promise<BlobIndex> {
    return this.#inTurn(() => this.#load())
  }

  /** See Repository.dropFromIndex. */
  drop(
    repository: Pick<Repository, 'place' | 'key' | 'saveUnpacked' | 'removeUnpacked'>,
    packs: ReadonlySet<string>,
  ): Promise<void> {
    return this.#inTurn(async () => {
      const files = this.#filesToRewrite(packs)
      for (const [file, named] of await rewriteIndex(repository, files, packs)) {
        this.files.set(
          file,
          Uint32Array.from(named, (pack) => this.index.internPack(pack)),
        )
      }
      for (const file of files) this.files.delete(file)
      for (const pack of packs) this.index.forgetPack(this.index.internPack(pack))
    })
  }

  /** The files that name one of the packs; and all small files if there are many. */
  #filesToRewrite(packs: ReadonlySet<string>): string[] {
    const numbers = new Set(Array.from(packs, (pack) => this.index.packNumber(pack)))
    const isTouched = (named: Uint32Array) => named.some((number) => numbers.has(number))
    const small = [...this.files].filter(([, named]) => named.length <= MAX_PACKS_OF_SMALL_FILE)
    const others = small.length >= MIN_SMALL_FILES ? small : []
    const touched = [...this.files].filter(([, named]) => isTouched(named))
    return [...new Set([...touched, ...others].map(([file]) => file))]
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act)
    this.#last = turn.catch(() => {})
    return turn
  }

  async #load(): Promise<BlobIndex> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#loadOnce()
        return this.index
      } catch (error) {
        // A concurrent prune writes new index files, then deletes the old ones.
        const isGone = hasCode(error, 'NOT_FOUND')
        if (!isGone || tries >= MAX_TRIES) throw error
      }
    }
  }

  async #loadOnce(): Promise<void> {
    const { place } = this.#repository
    const present = new Set<string>()
    for await (const id of idsIn(place, folderName(place, 'index'))) present.add(id)
    if ([...this.files.keys()].some((id) => !present.has(id))) {
      this.index = new BlobIndex(this.distrusted)
      this.files.clear()
    }
    for (const id of present) {
      if (this.files.has(id) || this.ignored.has(id)) continue
      const named = await this.#readFile(id)
      if (named) this.files.set(id, named)
    }
  }

  /** undefined if it is to be ignored: damaged, in two reads. */
  async #readFile(id: string, isAgain = false): Promise<Uint32Array | undefined> {
    try {
      return await readIndexFile(this.#repository, id, this.index)
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED') || !this.ignoresDamaged) throw error
      if (!isAgain) return await this.#readFile(id, true)
      this.ignored.add(id)
      return undefined
    }
  }
}
