import type { ObjectName } from '../../objects/driver.ts'
import { isUnnamed } from '../../objects/unfinished.ts'
import type { RepositoryPlace, UnpackedKind } from './repository.ts'

/** The names of restic's local layout. Restic ignores files at other places or with other names. */
const ID = /^[0-9a-f]{64}$/

export function isId(text: string): boolean {
  return ID.test(text)
}

export function configName({ base }: RepositoryPlace): string {
  return `${base}/config`
}

export function folderName({ base }: RepositoryPlace, kind: UnpackedKind): string {
  return `${base}/${kind}`
}

export function unpackedName(place: RepositoryPlace, kind: UnpackedKind, id: string): string {
  return `${folderName(place, kind)}/${id}`
}

export function packName({ base }: RepositoryPlace, id: string): string {
  return `${base}/data/${id.slice(0, 2)}/${id}`
}

/** The folder of incomplete files. */
export function temporaryFolder({ base }: RepositoryPlace): string {
  return `${base}/tmp`
}

export function findParent(name: string): string {
  return name.slice(0, name.lastIndexOf('/'))
}

/** Lists the files in a folder of the repository whose names are ids. */
export async function* idsIn({ driver }: RepositoryPlace, folder: string): AsyncGenerator<string> {
  for await (const entry of driver.names(folder)) if (isNamedById(entry)) yield entry.name
}

/** Lists all packs, indexed or not, with their sizes. */
export async function* listPacks(place: RepositoryPlace): AsyncGenerator<{ id: string; size: number }> {
  const data = `${place.base}/data`
  for await (const { name, kind } of place.driver.names(data)) {
    if (kind !== 'folder' || !/^[0-9a-f]{2}$/.test(name)) continue
    for await (const entry of place.driver.list(`${data}/${name}`)) {
      if (isNamedById(entry)) yield { id: entry.name, size: entry.size }
    }
  }
}

/**
 * Removes incomplete files of dead runs, and resolves with their names. Only call it while nobody else writes: under an
 * exclusive lock, or before any run starts.
 */
export async function sweepTemporary(place: RepositoryPlace): Promise<string[]> {
  const folder = temporaryFolder(place)
  const swept: string[] = []
  for await (const { name, kind } of place.driver.names(folder)) {
    if (kind === 'file' && isUnnamed(name)) swept.push(`${folder}/${name}`)
  }
  for (const name of swept) await place.driver.remove(name)
  return swept
}

function isNamedById({ name, kind }: ObjectName): boolean {
  return kind === 'file' && isId(name)
}
