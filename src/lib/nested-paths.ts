/** A directory with an owner. `path` is absolute and normalized. */
export interface OwnedPath {
  server: string
  path: string
  /** Identifies who may change its content. */
  owner: string
}

export interface NestedPath<Owned> {
  inner: Owned
  /** The nearest directory with another owner that contains `inner` or is the same. */
  outer: Owned
}

/**
 * Finds the paths below a path of another owner on the same server. The owner of the outer directory can redirect the
 * path to the inner one.
 */
export function findNestedPaths<Owned extends OwnedPath>(paths: readonly Owned[]): NestedPath<Owned>[] {
  const nested: NestedPath<Owned>[] = []
  let above: { key: string; owned: Owned }[] = []
  for (const one of sortByPath(paths)) {
    above = above.filter(({ key }) => one.key.startsWith(key))
    const outer = above.findLast(({ owned }) => owned.owner !== one.owned.owner)
    if (outer) nested.push({ inner: one.owned, outer: outer.owned })
    if (above.at(-1)?.key !== one.key) above.push(one)
  }
  return nested
}

/** Sorts with a slash at the end, so that the content of a directory follows directly after it. */
function sortByPath<Owned extends OwnedPath>(paths: readonly Owned[]): { key: string; owned: Owned }[] {
  const keyed = paths.map((owned) => ({ key: `${owned.server} ${owned.path}/`, owned }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}
