import { findNestedPaths } from '../lib/nested-paths.ts'
import { archiveName, MAX_ARCHIVE_NAME_BYTES } from '../wire/archive-name.ts'
import { findProofConflicts, type ProofPlace } from './find-proof-conflicts.ts'
import type { WrittenProc } from './inventory-apps.ts'
import type { YamlReader } from './yaml-reader.ts'

/** Limit of volumes times instances for one controller, for its memory: each takes 1.2 KB with one job. */
export const MAX_PLACES = 200_000

interface VolumePlace extends ProofPlace {
  keyAt: number
  /** The instance whose containers may change its content. */
  owner: string
  path: string | null
  archive: string
}

/**
 * Reports what is wrong between volumes: archives with the same name or one that is too long, volumes in the same
 * directory or one inside another, and more than one schedule of verifications on a server.
 */
export function checkInventory(reader: YamlReader, procs: readonly WrittenProc[]): void {
  const count = procs.reduce((sum, { instances, volumes }) => sum + instances.length * volumes.length, 0)
  if (count > MAX_PLACES) {
    reader.problem(
      reader.root,
      `it names ${count} volumes over all instances, expected at most ${MAX_PLACES}: split it`,
    )
    return
  }
  const places = procs.flatMap(listVolumePlaces)
  for (const place of places) {
    if (Buffer.byteLength(place.archive) <= MAX_ARCHIVE_NAME_BYTES) continue
    reader.problem(
      { at: place.keyAt },
      `the name of the archive of ${place.label} would have more than ${MAX_ARCHIVE_NAME_BYTES} bytes: shorten a name`,
    )
  }
  const withPath = places.filter(({ path }) => path !== null)
  reportTwins(reader, places, {
    keyOf: ({ archive }) => archive,
    wrong: 'have archives of the same name: rename one',
  })
  reportTwins(reader, withPath, {
    keyOf: ({ path }) => path ?? '',
    wrong: 'are in the same directory: give each its own path',
  })
  reportNested(reader, places)
  for (const { place, message } of findProofConflicts(places)) reader.problem({ at: place.keyAt }, message)
}

/** A container that owns the outer volume could lead a backup or a recover of the inner one elsewhere. */
function reportNested(reader: YamlReader, places: readonly VolumePlace[]): void {
  const withPath = places.flatMap(({ path, ...rest }) => (path === null ? [] : [{ ...rest, path }]))
  for (const { inner, outer } of findNestedPaths(withPath)) {
    if (inner.path === outer.path) continue
    reader.problem(
      { at: inner.keyAt },
      `${inner.label} ("${inner.path}"), is below ${outer.label} ("${outer.path}"), both on ${inner.server}: ` +
        'a proc cannot own a directory above the volume of another. Move one of them',
    )
  }
}

function listVolumePlaces({ app, proc, instances, volumes }: WrittenProc): VolumePlace[] {
  return instances.flatMap(({ no, server }) =>
    volumes.map(({ name, path, keyAt, verify, drill }) => ({
      label: `${name} of ${proc.name}, instance ${no}`,
      keyAt,
      owner: `${proc.name} ${no}`,
      server,
      path,
      ...(verify && { verify }),
      ...(drill && { drill }),
      archive: archiveName({ app, proc: proc.name, instanceNo: no, volume: name }),
    })),
  )
}

/** Reports each volume that has the same key as an earlier one on the same server. */
function reportTwins(
  reader: YamlReader,
  places: VolumePlace[],
  { keyOf, wrong }: { keyOf(place: VolumePlace): string; wrong: string },
): void {
  const first = new Map<string, VolumePlace>()
  for (const place of places) {
    const key = `${place.server} ${keyOf(place)}`
    const earlier = first.get(key)
    if (earlier)
      reader.problem(
        { at: place.keyAt },
        `${place.label}, and ${earlier.label}, both on ${place.server}, ${wrong}`,
      )
    else first.set(key, place)
  }
}
