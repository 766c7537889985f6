import { bytesToText, SLASH, textToBytes } from '../../../lib/byte-paths.ts'
import type { PathFate } from '../../../wire/plan-hash.ts'
import type { KeptPlan } from './plan-memory.ts'

/** How many paths of each kind are named. */
const MAX_NAMED_PATHS = 12

interface NamedPaths {
  count: number
  paths: string[]
}

/** Paths that a recover would treat in another way than its plan said, as far as the plan is remembered. */
export class PlanDifference {
  readonly alsoDelete: NamedPaths = { count: 0, paths: [] }
  readonly alsoReplace: NamedPaths = { count: 0, paths: [] }
  readonly noLonger: NamedPaths = { count: 0, paths: [] }
  readonly #kept: KeptPlan
  #at = 0

  constructor(kept: KeptPlan) {
    this.#kept = kept
  }

  /** Takes the present paths in the order of the walk. */
  add(fate: PathFate, path: Buffer): void {
    const { paths, isComplete } = this.#kept
    for (let kept = paths[this.#at]; kept; kept = paths[this.#at]) {
      const order = compareInWalk(textToBytes(kept[1]), path)
      if (order > 0) break
      this.#at++
      if (order === 0) {
        if (kept[0] !== fate) this.#addNew(fate, path)
        return
      }
      addNamed(this.noLonger, kept[1])
    }
    if (this.#at < paths.length || isComplete) this.#addNew(fate, path)
  }

  /** After the last path: what the plan has beyond it is gone. */
  end(): void {
    for (const [, path] of this.#kept.paths.slice(this.#at)) addNamed(this.noLonger, path)
    this.#at = this.#kept.paths.length
  }

  #addNew(fate: PathFate, path: Buffer): void {
    addNamed(fate === 'delete' ? this.alsoDelete : this.alsoReplace, bytesToText(path))
  }

  /** Empty if the difference lies beyond the paths that are remembered. */
  describe(): string[] {
    const kinds = [
      [this.alsoDelete, 'it would now also delete'],
      [this.alsoReplace, 'it would now also replace'],
      [this.noLonger, 'it would no longer delete or replace'],
    ] as const
    return kinds.filter(([{ count }]) => count > 0).map(([named, what]) => `${what} ${listNamed(named)}`)
  }
}

function addNamed(named: NamedPaths, path: string): void {
  named.count++
  if (named.paths.length < MAX_NAMED_PATHS) named.paths.push(path)
}

function listNamed({ count, paths }: NamedPaths): string {
  const quoted = paths.map((path) => `"${path}"`).join(', ')
  return count > paths.length ? `${quoted} and ${count - paths.length} more` : quoted
}

/** Folders come before what is in them, and names in the order of their bytes. */
function compareInWalk(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const [a = 0, b = 0] = [one[at], other[at]]
    if (a !== b) return (a === SLASH ? 0 : a) - (b === SLASH ? 0 : b)
  }
  return one.length - other.length
}
