import { bytesToText } from '../../lib/byte-paths.ts'
import type { TreeWarning } from './entry.ts'

const MAX_EXAMPLES = 3

type Severity = TreeWarning['severity']

/** Collects what could not be kept or restored: one warning for each kind, with a count and the first names. */
export class Losses {
  readonly #kinds = new Map<string, { severity: Severity; count: number; named: string[]; last: Buffer }>()

  /**
   * @param kind a sentence with `%` for the count of entries: `the project ids of % are not kept`
   * @param severity a `fault` makes the run partial: something of the content, owner, rights or attributes is missing
   */
  add(kind: string, path: Buffer, severity: Severity = 'note'): void {
    const known = this.#kinds.get(kind)
    if (known?.last.equals(path)) return
    const count = known?.count ?? 0
    const named = known?.named ?? []
    if (named.length < MAX_EXAMPLES) named.push(`"${bytesToText(path) || '.'}"`)
    this.#kinds.set(kind, { severity, count: count + 1, named, last: Buffer.from(path) })
  }

  report(onWarning: (warning: TreeWarning) => void): void {
    for (const [kind, { severity, count, named }] of this.#kinds) {
      const entries = count === 1 ? '1 entry' : `${count} entries`
      const message = `${kind.replace('%', entries)}, such as ${named.join(', ')}`
      onWarning({ severity, path: Buffer.alloc(0), message, count })
    }
    this.#kinds.clear()
  }
}
