import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, hasCode } from '../../lib/errors.ts'

/** Paths that are kept; beyond this they are only counted. */
const MAX_NAMES = 1000
const MAX_NAMES_IN_MESSAGE = 5

/** Collects damaged packs and the paths that they affect. */
export class Damage {
  readonly #packs = new Set<string>()
  readonly #paths = new Set<string>()
  #count = 0

  get found(): boolean {
    return this.#count > 0
  }

  /** @param error SNAPSHOT_CORRUPT from the repository; any other error is thrown again */
  add(path: Buffer, error: unknown): void {
    if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
    const { pack } = error.facts
    if (typeof pack === 'string') this.#packs.add(pack)
    this.addPath(path)
  }

  /** Adds a path that is not damaged itself, such as a hard link to a damaged file. */
  addPath(path: Buffer): void {
    if (this.has(path)) return
    this.#count++
    if (this.#paths.size < MAX_NAMES) this.#paths.add(path.toString('latin1'))
  }

  has(path: Buffer): boolean {
    return this.#paths.has(path.toString('latin1'))
  }

  /** One error for all damage. */
  asError(): BackupdError {
    const files = [...this.#paths].map((path) => bytesToText(Buffer.from(path, 'latin1')))
    const packs = [...this.#packs]
    const named = files.slice(0, MAX_NAMES_IN_MESSAGE).map((file) => `"${file}"`)
    const more = this.#count > named.length ? ` and ${this.#count - named.length} more` : ''
    const where = packs.length > 0 ? ` in the pack ${packs.join(', ')}` : ''
    return new BackupdError(
      'SNAPSHOT_CORRUPT',
      `The snapshot is damaged${where}, which affects ${named.join(', ')}${more}. Nothing was restored; use another snapshot, or choose other files`,
      { facts: { packs, files, count: this.#count } },
    )
  }
}
