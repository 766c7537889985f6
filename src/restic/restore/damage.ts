import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'

/** Names kept: of more, only how many they are. */
const NAMES = 1000
const NAMES_SAID = 5

/** Content that cannot be had back, and what it belongs to. */
export class Damage {
  readonly #packs = new Set<string>()
  readonly #paths = new Set<string>()
  #count = 0

  get found(): boolean {
    return this.#count > 0
  }

  /** @param error SNAPSHOT_CORRUPT of the repository's; anything else is thrown on */
  add(path: Buffer, error: unknown): void {
    if (!(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') throw error
    const { pack } = error.facts
    if (typeof pack === 'string') this.#packs.add(pack)
    this.touch(path)
  }

  /** A path that is damaged as another one is. */
  touch(path: Buffer): void {
    if (this.has(path)) return
    this.#count++
    if (this.#paths.size < NAMES) this.#paths.add(path.toString('latin1'))
  }

  has(path: Buffer): boolean {
    return this.#paths.has(path.toString('latin1'))
  }

  /** One error for all of it. */
  asError(): BackupdError {
    const files = [...this.#paths].map((path) => bytesToText(Buffer.from(path, 'latin1')))
    const packs = [...this.#packs]
    const named = files.slice(0, NAMES_SAID).map((file) => `"${file}"`)
    const more = this.#count > named.length ? ` and ${this.#count - named.length} more` : ''
    const where = packs.length > 0 ? `the pack ${packs.join(', ')}` : 'the repository'
    return new BackupdError(
      'SNAPSHOT_CORRUPT',
      `The snapshot cannot be restored: ${where} is damaged, which touches ${named.join(', ')}${more}. Nothing was restored; take another snapshot, or choose other files`,
      { facts: { packs, files, count: this.#count } },
    )
  }
}
