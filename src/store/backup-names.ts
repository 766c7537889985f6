import { FirstKeys } from '../lib/first-keys.ts'
import type { Driver } from '../objects/driver.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import { parseLegacySource } from '../wire/legacy-source.ts'
import { isMirrorFolder } from './kinds/mirror/is-mirror.ts'
import { type Place, parsePlace } from './layout.ts'
import type { Meta } from './meta.ts'

/** Which pieces of a backup the folder holds. `intent` = its publish has begun and is not finished. */
type Seen = Partial<Record<Place['kind'] | 'intent' | 'mirror', true>>

export interface NamesQuery {
  after: string
  limit: number
  /** Which names to return; all of them if left out. */
  keep?: ((name: string) => boolean) | undefined
}

/**
 * Lists the backups of a namespace by name: those with a manifest, archives without one that no run is publishing,
 * and the mirrors in `.meta`. Backups that are being deleted are left out. A page may hold fewer than `limit` names
 * although more follow; continue after `last`. One pass over the folder, with the memory of one page.
 */
export async function listBackupNames(
  driver: Driver,
  { namespace, meta }: { namespace: string; meta: Meta },
  { after, limit, keep = () => true }: NamesQuery,
): Promise<{ names: string[]; last: string | null }> {
  const found = new FirstKeys<Seen>(limit, after)
  for await (const entry of driver.names(namespace)) {
    const [name, what] = isMirrorFolder(entry, meta)
      ? [entry.name, 'mirror' as const]
      : findPiece(parsePlace(entry))
    if (name !== '' && keep(name)) found.put(name, (seen) => ({ ...seen, [what]: true }))
  }
  const { entries, more } = found.page()
  const names = entries.filter(([, seen]) => isListed(seen)).map(([name]) => name)
  return { names, last: more ? (entries.at(-1)?.[0] ?? null) : null }
}

function findPiece(place: Place): [name: string, what: keyof Seen] {
  if (place.kind === 'own' || place.kind === 'unknown') return ['', place.kind]
  return [place.backup, place.kind === 'part' && place.of === 'manifest' ? 'intent' : place.kind]
}

function isListed(seen: Seen): boolean {
  if (seen.tombstone) return false
  return Boolean(seen.manifest || seen.mirror || (seen.object && !seen.intent))
}

/**
 * Narrows the names down to possible backups of a volume without reading any manifest: those that `.meta` lists
 * under it, and those named after the same archives. Only the manifest proves it, so check `source` there.
 */
export function filterNamesOfVolume(meta: Meta, source: string, archive?: string): (name: string) => boolean {
  const names = new Set<string>()
  const archives = new Set(archive === undefined ? [] : [archive])
  for (const entity of meta.entities()) {
    if (parseLegacySource(entity.source).source !== source) continue
    names.add(entity.name)
    const parsed = parseBackupName(entity.name)
    if (parsed) archives.add(parsed.archive)
  }
  return (name) => names.has(name) || archives.has(parseBackupName(name)?.archive ?? '')
}
