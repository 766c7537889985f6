/**
 * Finds an item of a sorted list in about 17 steps for 100,000 items. Such a list takes a sixth of the memory of a Map.
 * @param compare negative if the item comes before the wanted one, 0 if it is the wanted one
 */
export function findSorted<T>(sorted: readonly T[], compare: (item: T) => number): T | undefined {
  const at = findPosition(sorted, compare)
  return at < 0 ? undefined : sorted[at]
}

/** Its index, or -1. */
export function findPosition<T>(sorted: readonly T[], compare: (item: T) => number): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    const order = compare(sorted[middle] as T)
    if (order === 0) return middle
    if (order < 0) from = middle + 1
    else to = middle
  }
  return -1
}
