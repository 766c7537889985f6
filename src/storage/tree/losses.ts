import { bytesToText } from '../../lib/byte-paths.ts'
import type { TreeWarning } from './entry.ts'

const MAX_NAMED = 3

/** What of many entries could not be kept or restored: one warning for each kind, with a count and the first names. */
export class Losses {
  readonly #kinds = new Map<string, { count: number; named: string[] }>()

  /** @param kind a sentence with `%` for the count of entries: `the project ids of % are not kept` */
  add(kind: string, path: Buffer): void {
    const known = this.#kinds.get(kind) ?? { count: 0, named: [] }
    known.count++
    if (known.named.length < MAX_NAMED) known.named.push(`"${bytesToText(path) || '.'}"`)
    this.#kinds.set(kind, known)
  }

  /** None of them makes a run partial: content, owner and mode are there. */
  tell(onWarning: (warning: TreeWarning) => void): void {
    for (const [kind, { count, named }] of this.#kinds) {
      const entries = count === 1 ? '1 entry' : `${count} entries`
      const message = `${kind.replace('%', entries)}, such as ${named.join(', ')}`
      onWarning({ severity: 'note', path: Buffer.alloc(0), message })
    }
    this.#kinds.clear()
  }
}
