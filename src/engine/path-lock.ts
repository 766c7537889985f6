import { posix } from 'node:path'

/** Held absolute paths with their holders. A path includes everything under it. */
export class PathLock<Holder> {
  readonly #held = new Map<string, Holder[]>()
  /** Path → how many held paths are under it. */
  readonly #below = new Map<string, number>()

  hold(paths: readonly string[], holder: Holder): void {
    for (const path of paths.map(normalPath)) {
      this.#held.set(path, [...(this.#held.get(path) ?? []), holder])
      for (const above of ancestors(path)) this.#below.set(above, (this.#below.get(above) ?? 0) + 1)
    }
  }

  release(paths: readonly string[], holder: Holder): void {
    for (const path of paths.map(normalPath)) {
      const holders = this.#held.get(path) ?? []
      const at = holders.indexOf(holder)
      if (at < 0) continue
      const rest = holders.toSpliced(at, 1)
      if (rest.length > 0) this.#held.set(path, rest)
      else this.#held.delete(path)
      for (const above of ancestors(path)) this.#below.set(above, (this.#below.get(above) ?? 0) - 1)
    }
  }

  /** One pair for each holder of each held path. */
  list(): [path: string, holder: Holder][] {
    return [...this.#held].flatMap(([path, holders]) =>
      holders.map((holder): [string, Holder] => [path, holder]),
    )
  }

  /** Whether one of the paths, a parent or a child of it is held. */
  isHeld(paths: readonly string[]): boolean {
    return paths.map(normalPath).some((path) => this.#overlapsHeld(path))
  }

  /** The holders of the paths, of their parents and of their children. */
  holders(paths: readonly string[]): Holder[] {
    return paths.map(normalPath).flatMap((path) => {
      const under = [...this.#held].filter(([held]) => isUnder(held, path) || isUnder(path, held))
      return under.flatMap(([, holders]) => holders)
    })
  }

  #overlapsHeld(path: string): boolean {
    if (this.#held.has(path) || (this.#below.get(path) ?? 0) > 0) return true
    return ancestors(path).some((above) => this.#held.has(above))
  }
}

/** Whether a path of `a` equals a path of `b`, contains it, or is under it. */
export function overlap(a: readonly string[], b: readonly string[]): boolean {
  return a.some((one) =>
    b.some(
      (other) => isUnder(normalPath(one), normalPath(other)) || isUnder(normalPath(other), normalPath(one)),
    ),
  )
}

function normalPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function ancestors(path: string): string[] {
  const above: string[] = []
  for (let at = path; at !== '/' && at !== '.'; ) {
    at = posix.dirname(at)
    above.push(at)
  }
  return above
}

/** Whether `path` is `top` or is under it. */
function isUnder(path: string, top: string): boolean {
  return path === top || path.startsWith(top === '/' ? '/' : `${top}/`)
}
