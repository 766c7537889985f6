import { encodeCursor } from '../wire/cursor.ts'
import type { Page, Slice } from '../wire/listing.ts'

export interface CutOptions<T> {
  /** Whether the item is in the list. */
  matches(item: T): boolean
  /** The kind and the key of the item's cursor: what the list is sorted by, so that it holds across edits. */
  cursor(item: T): [kind: string, key: string]
  /** Where the page begins: false for the first items, true for all others. */
  isReached(item: T): boolean
}

/** Cuts a page out of a sorted list; reads only as far as the page needs. */
export function cutPage<T>(sorted: readonly T[], { first }: Page, options: CutOptions<T>): Slice<T> {
  const { matches, cursor, isReached } = options
  const items: Slice<T>['items'] = []
  for (let at = findFirst(sorted, isReached); at < sorted.length; at++) {
    const node = sorted[at] as T
    if (!matches(node)) continue
    if (items.length === first) return { items, hasNextPage: true }
    items.push({ cursor: encodeCursor(...cursor(node)), node })
  }
  return { items, hasNextPage: false }
}

/** The position of the first item that is reached. */
export function findFirst<T>(sorted: readonly T[], isReached: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isReached(sorted[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}
