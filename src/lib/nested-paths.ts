/** A directory that somebody owns. `path` is absolute and normal. */
export interface OwnedPath {
  server: string
  path: string
  /** Whoever may change what lies in it. */
  owner: string
}

export interface NestedPath<Owned> {
  inner: Owned
  /** The nearest one above `inner`, or the same directory, that has another owner. */
  outer: Owned
}

/**
 * The paths that lie below a path of another owner on the same server. Whoever owns the outer directory can replace
 * what leads to the inner one.
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

/** With a slash at the end, whatever lies in a directory comes right after it. */
function sortByPath<Owned extends OwnedPath>(paths: readonly Owned[]): { key: string; owned: Owned }[] {
  const keyed = paths.map((owned) => ({ key: `${owned.server} ${owned.path}/`, owned }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}
