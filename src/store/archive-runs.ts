import { isGood, type Manifest } from '../wire/backup.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { joinHistory, type PastRun } from './kinds/unusual/run-history.ts'
import { readManifests } from './list-backups.ts'
import type { ArchiveRuns } from './store-parts.ts'
import type { StoreWorld } from './world.ts'

/** Reads the manifests of the full backups of a volume. Those of another app at the same path only count as the newest. */
export async function findArchiveRuns(
  world: StoreWorld,
  { app, ...volume }: { namespace: string; source: string; app: string },
): Promise<ArchiveRuns> {
  const facts: ArchiveFacts[] = []
  let newest: Manifest | undefined
  for await (const manifest of readManifests(world, volume)) {
    if (manifest.app === app) facts.push(toFacts(manifest))
    if (manifest.sequence >= (newest?.sequence ?? 0)) newest = manifest
  }
  facts.sort((one, other) => one.sequence - other.sequence)
  const point = facts.findLast(({ good }) => good) ?? facts.findLast(({ usable }) => usable)
  return {
    newest,
    history: joinHistory(facts),
    point: point && { name: point.name, isHeld: point.isHeld },
    held: facts.filter(({ isHeld }) => isHeld).length,
  }
}

/** Of a manifest, what is small: a volume may have thousands. */
interface ArchiveFacts extends PastRun, Pick<Manifest, 'name' | 'sequence'> {
  good: boolean
  isHeld: boolean
}

function toFacts(manifest: Manifest): ArchiveFacts {
  const { name, sequence, bytes, files, state, suspect, holds, history } = manifest
  const corrupt = manifest.corrupt?.reason ?? null
  return {
    name,
    sequence,
    bytes,
    files,
    good: isGood({ state, suspect, corrupt }),
    usable: suspect === null && corrupt === null,
    isHeld: holds.some(isUnusualHold),
    history,
  }
}
