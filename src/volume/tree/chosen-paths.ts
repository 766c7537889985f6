import { bytesToText, textToBytes } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { splitComponents } from './write-paths.ts'

/** `all`: the path is chosen with all its content. `way`: only something below it is chosen. */
export type Choice = 'all' | 'way' | 'none'

/** Decides which paths of a volume are chosen. */
export interface Chosen {
  of(path: Buffer): Choice
}

export const EVERYTHING: Chosen = { of: () => 'all' }

/** Chooses files and directories by their paths; an empty path chooses everything. */
export function chosenPaths(paths: readonly Buffer[]): Chosen {
  const wanted = new Set<string>()
  const ways = new Set<string>()
  for (const path of paths) {
    const names = splitComponents(path).map((name) => name.toString('latin1'))
    wanted.add(names.join('/'))
    for (let depth = 0; depth < names.length; depth++) ways.add(names.slice(0, depth).join('/'))
  }
  if (wanted.has('')) return EVERYTHING
  const lengths = new Set([...wanted].map((path) => path.length))
  return { of: (path) => choiceOf(path.toString('latin1'), { wanted, lengths, ways }) }
}

interface Wanted {
  wanted: ReadonlySet<string>
  /** Lengths of the wanted paths: avoids hashing each of a path's parents, of which there may be thousands. */
  lengths: ReadonlySet<number>
  ways: ReadonlySet<string>
}

function choiceOf(path: string, { wanted, lengths, ways }: Wanted): Choice {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (lengths.has(end) && wanted.has(path.slice(0, end))) return 'all'
  }
  return ways.has(path) ? 'way' : 'none'
}

/** The files that a user named, and which of them were found. */
export interface ChosenFiles extends Chosen {
  /** Call it with each path that exists. */
  saw(path: Buffer): void
  /** Named paths that were not seen. */
  missing(): string[]
  /** True if none of the named paths was seen. */
  sawNothing(): boolean
}

/**
 * Parses files as users write them: paths in the text form of lib/byte-paths.ts, a directory with all its content, `*`
 * for everything. Throws BAD_INPUT for a path that leaves the volume, or is empty.
 */
export function chosenFiles(files: readonly string[]): ChosenFiles {
  const paths = files.includes('*') ? [] : files.map(parsePath)
  const unseen = new Set(paths.map((path) => path.toString('latin1')))
  const named = unseen.size
  const chosen = paths.length === 0 ? EVERYTHING : chosenPaths(paths)
  return {
    of: (path) => chosen.of(path),
    saw: (path) => void (unseen.size > 0 && unseen.delete(path.toString('latin1'))),
    missing: () => [...unseen].map((path) => bytesToText(Buffer.from(path, 'latin1'))),
    sawNothing: () => named > 0 && unseen.size === named,
  }
}

function parsePath(file: string): Buffer {
  const path = textToBytes(file.replace(/^\/+|\/+$/g, ''))
  const names = path.toString('latin1').split('/')
  if (names.every((name) => !['', '.', '..'].includes(name) && !name.includes('\0'))) return path
  throw new BackupdError(
    'BAD_INPUT',
    `${JSON.stringify(file)} is not a path in a backup: name a file, a directory, or * for all`,
  )
}
