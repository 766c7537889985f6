import { bytesToText, textToBytes } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { trimSlashes } from '../../lib/trim-slashes.ts'
import { splitComponents } from './write-paths.ts'

/** `all`: the path is chosen with all its content. `ancestor`: only something below it is chosen. */
export type Choice = 'all' | 'ancestor' | 'none'

/** Decides which paths of a volume are chosen. */
export interface Chosen {
  of(path: Buffer): Choice
}

export const EVERYTHING: Chosen = { of: () => 'all' }

/** Chooses files and directories by their paths; an empty path chooses everything. */
export function chosenPaths(paths: readonly Buffer[]): Chosen {
  const wanted = new Set<string>()
  const ancestors = new Set<string>()
  for (const path of paths) {
    const names = splitComponents(path).map((name) => name.toString('latin1'))
    wanted.add(names.join('/'))
    for (let depth = 0; depth < names.length; depth++) ancestors.add(names.slice(0, depth).join('/'))
  }
  if (wanted.has('')) return EVERYTHING
  const lengths = new Set([...wanted].map((path) => path.length))
  return { of: (path) => findChoice(path.toString('latin1'), { wanted, lengths, ancestors }) }
}

interface ChosenPaths {
  wanted: ReadonlySet<string>
  /** Lengths of the wanted paths: avoids hashing each of a path's parents, of which there may be thousands. */
  lengths: ReadonlySet<number>
  ancestors: ReadonlySet<string>
}

function findChoice(path: string, { wanted, lengths, ancestors }: ChosenPaths): Choice {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (lengths.has(end) && wanted.has(path.slice(0, end))) return 'all'
  }
  return ancestors.has(path) ? 'ancestor' : 'none'
}

/** The files that a user named, and which of them were found. */
export interface ChosenFiles extends Chosen {
  /** Call it with each path that exists in the backup. */
  noteFound(path: Buffer): void
  /** Named paths that were not found. */
  missing(): string[]
  /** True if none of the named paths was found. */
  foundNothing(): boolean
}

/**
 * Parses files as users write them: paths in the text form of lib/byte-paths.ts, a directory with all its content, `*`
 * for everything. Throws BAD_INPUT for a path that leaves the volume, or is empty.
 */
export function chosenFiles(files: readonly string[]): ChosenFiles {
  const paths = files.includes('*') ? [] : files.map(parsePath)
  const notFound = new Set(paths.map((path) => path.toString('latin1')))
  const named = notFound.size
  const chosen = paths.length === 0 ? EVERYTHING : chosenPaths(paths)
  return {
    of: (path) => chosen.of(path),
    noteFound: (path) => void (notFound.size > 0 && notFound.delete(path.toString('latin1'))),
    missing: () => [...notFound].map((path) => bytesToText(Buffer.from(path, 'latin1'))),
    foundNothing: () => named > 0 && notFound.size === named,
  }
}

function parsePath(file: string): Buffer {
  const path = textToBytes(trimSlashes(file))
  const names = path.toString('latin1').split('/')
  if (names.every((name) => !['', '.', '..'].includes(name) && !name.includes('\0'))) return path
  throw new BackupdError(
    'BAD_INPUT',
    `${JSON.stringify(file)} is not a path in a backup: name a file, a directory, or * for all`,
  )
}
