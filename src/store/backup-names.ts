import { FirstKeys } from '../lib/first-keys.ts'
import type { Driver, ObjectName, ObjectStat } from '../objects/driver.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import { parseLegacySource } from '../wire/legacy-source.ts'
import { isMirrorFolder } from './kinds/mirror/is-mirror.ts'
import { type Place, parsePlace } from './layout.ts'
import type { Meta } from './meta.ts'

/** Which pieces of a backup the folder holds. `intent` = its publish has begun and is not finished. */
type Seen = Partial<Record<Place['kind'] | 'intent' | 'mirror', true>> & {
  /** Of the archive, if the list has it. */
  size?: number
}

export interface NamesQuery {
  after: string
  limit: number
  /** Which names to return; all of them if left out. */
  keep?: ((name: string) => boolean) | undefined
  /** `too`: also those that were deleted and can be restored. `alone`: nothing else. */
  hidden?: 'too' | 'alone' | undefined
}

/**
 * Lists the backups of a namespace by name: those with a manifest, archives without one that no run is publishing,
 * and the mirrors in `.meta`. Backups that are being deleted, or are hidden, are left out. A page may hold fewer than `limit` names
 * although more follow; continue after `last`. One pass over the folder, with the memory of one page.
 */
export async function listBackupNames(
  driver: Driver,
  { namespace, meta }: { namespace: string; meta: Meta },
  { after, limit, keep = () => true, hidden }: NamesQuery,
): Promise<{ names: string[]; sizes: Map<string, number>; last: string | null }> {
  const found = new FirstKeys<Seen>(limit, after)
  for await (const entry of listEntries(driver, namespace)) {
    const [name, what] = isMirrorFolder(entry, meta)
      ? [entry.name, 'mirror' as const]
      : findPiece(parsePlace(entry))
    if (name === '' || !keep(name)) continue
    const size = what === 'object' && 'size' in entry ? { size: entry.size } : {}
    found.put(name, (seen) => ({ ...seen, [what]: true, ...size }))
  }
  const { entries, more } = found.page()
  const listed = entries.filter(([, seen]) => isListed(seen, hidden))
  const sizes = listed.flatMap(([name, { size }]) => (size === undefined ? [] : [[name, size] as const]))
  const last = more ? (entries.at(-1)?.[0] ?? null) : null
  return { names: listed.map(([name]) => name), sizes: new Map(sizes), last }
}

function listEntries(driver: Driver, namespace: string): AsyncIterable<ObjectName | ObjectStat> {
  return driver.abilities.listsSizes ? driver.list(namespace) : driver.names(namespace)
}

function findPiece(place: Place): [name: string, what: Exclude<keyof Seen, 'size'>] {
  if (place.kind === 'own' || place.kind === 'unknown') return ['', place.kind]
  return [place.backup, place.kind === 'part' && place.of === 'manifest' ? 'intent' : place.kind]
}

function isListed(seen: Seen, hidden: NamesQuery['hidden']): boolean {
  if (seen.tombstone || (seen.hidden ? hidden === undefined : hidden === 'alone')) return false
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
