import { BackupdError } from '../../../lib/errors.ts'

/** What is lost in one snapshot. */
export interface SnapshotDamage {
  count: number
  /** The first of them, relative to the volume, in the text form of lib/byte-paths.ts. */
  paths: string[]
}

export interface DamagedSnapshots {
  /** The first damaged snapshot, by its id. */
  damage: [string, SnapshotDamage]
  /** The number of the other damaged snapshots. */
  others: number
  /** The damaged objects of the repository. */
  objects: readonly string[]
}

/** SNAPSHOT_CORRUPT that names the lost files. */
export function describeDamaged({ damage, others, objects }: DamagedSnapshots): BackupdError {
  const [snapshot, { count, paths }] = damage
  const what = `The snapshot ${snapshot.slice(0, 8)} is damaged: the content of ${count} paths is lost, such as ${JSON.stringify(paths[0])}`
  const more = others > 0 ? `; ${others} other snapshots are damaged too` : ''
  const where = objects.length > 0 ? ` (${objects.slice(0, 3).join(', ')})` : ''
  return new BackupdError('SNAPSHOT_CORRUPT', `${what}${more}${where}`, {
    facts: { snapshot, count, files: paths, objects: objects.slice(0, 100) },
  })
}
