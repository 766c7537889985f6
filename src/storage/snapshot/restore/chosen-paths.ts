import { componentsOf } from '../../tree/write-paths.ts'

/** `all`: it is chosen, with all that is in it. `way`: something below it is. */
export type Choice = 'all' | 'way' | 'none'

/** Which paths of a volume are wanted. */
export interface Chosen {
  of(path: Buffer): Choice
}

export const EVERYTHING: Chosen = { of: () => 'all' }

/** Files and directories by their paths; an empty path is everything. */
export function chosenPaths(paths: readonly Buffer[]): Chosen {
  const wanted = new Set<string>()
  const ways = new Set<string>()
  for (const path of paths) {
    const names = componentsOf(path).map((name) => name.toString('latin1'))
    wanted.add(names.join('/'))
    for (let depth = 0; depth < names.length; depth++) ways.add(names.slice(0, depth).join('/'))
  }
  if (wanted.has('')) return EVERYTHING
  return { of: (path) => choiceOf(path.toString('latin1'), wanted, ways) }
}

function choiceOf(path: string, wanted: ReadonlySet<string>, ways: ReadonlySet<string>): Choice {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (wanted.has(path.slice(0, end))) return 'all'
  }
  return ways.has(path) ? 'way' : 'none'
}
