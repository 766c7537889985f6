import { findNestedPaths } from '../lib/nested-paths.ts'
import { archiveName, MAX_ARCHIVE_NAME_BYTES } from '../wire/archive-name.ts'
import type { WrittenProc } from './inventory-apps.ts'
import type { YamlReader } from './yaml-reader.ts'

/** Limit of volumes times instances for one controller. */
export const MAX_PLACES = 200_000

interface Place {
  /** For people: `/data/db of shop.web.web, instance 1`. */
  words: string
  keyAt: number
  /** The instance whose containers may change what lies in it. */
  owner: string
  server: string
  path: string | null
  archive: string
}

/** What no volume shows alone: two archives of one name, two volumes on one directory, names twice. */
export function checkInventory(reader: YamlReader, procs: readonly WrittenProc[]): void {
  const count = procs.reduce((sum, { instances, volumes }) => sum + instances.length * volumes.length, 0)
  if (count > MAX_PLACES) {
    reader.problem(
      reader.root,
      `it names ${count} volumes over all instances, ${MAX_PLACES} at most: split it`,
    )
    return
  }
  const places = procs.flatMap(listPlaces)
  for (const place of places) {
    if (Buffer.byteLength(place.archive) <= MAX_ARCHIVE_NAME_BYTES) continue
    reader.problem(
      { at: place.keyAt },
      `the archive of ${place.words} would be named with more than ${MAX_ARCHIVE_NAME_BYTES} bytes: shorten a name`,
    )
  }
  const withPath = places.filter(({ path }) => path !== null)
  reportTwins(reader, places, {
    keyOf: ({ archive }) => archive,
    wrong: 'have archives of the same name: rename one',
  })
  reportTwins(reader, withPath, {
    keyOf: ({ path }) => path ?? '',
    wrong: 'lie in the same directory: give each its own path',
  })
  reportNested(reader, places)
}

/** A container that owns the outer volume could lead a backup or a recover of the inner one elsewhere. */
function reportNested(reader: YamlReader, places: readonly Place[]): void {
  const withPath = places.flatMap(({ path, ...rest }) => (path === null ? [] : [{ ...rest, path }]))
  for (const { inner, outer } of findNestedPaths(withPath)) {
    if (inner.path === outer.path) continue
    reader.problem(
      { at: inner.keyAt },
      `${inner.words} ("${inner.path}"), lies below ${outer.words} ("${outer.path}"), both on ${inner.server}: ` +
        'a proc cannot own a directory above the volume of another. Move one of them',
    )
  }
}

function listPlaces({ app, proc, instances, volumes }: WrittenProc): Place[] {
  return instances.flatMap(({ no, server }) =>
    volumes.map(({ name, path, keyAt }) => ({
      words: `${name} of ${proc.name}, instance ${no}`,
      keyAt,
      owner: `${proc.name} ${no}`,
      server,
      path,
      archive: archiveName({ app, proc: proc.name, instanceNo: no, volume: name }),
    })),
  )
}

/** Names each place whose key an earlier one on the same server has. */
function reportTwins(
  reader: YamlReader,
  places: Place[],
  { keyOf, wrong }: { keyOf(place: Place): string; wrong: string },
): void {
  const first = new Map<string, Place>()
  for (const place of places) {
    const key = `${place.server} ${keyOf(place)}`
    const earlier = first.get(key)
    if (earlier)
      reader.problem(
        { at: place.keyAt },
        `${place.words}, and ${earlier.words}, both on ${place.server}, ${wrong}`,
      )
    else first.set(key, place)
  }
}
