import { isGood, type Manifest } from '../wire/backup.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { addRun, parseHistory, type RunHistory } from './kinds/unusual/run-history.ts'
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
interface ArchiveFacts extends Pick<Manifest, 'name' | 'sequence' | 'bytes' | 'files'> {
  good: boolean
  /** Neither corrupt nor of an empty or unmounted volume. */
  usable: boolean
  isHeld: boolean
  history: string | undefined
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

/** The newest one that has it, and what is known of the backups since, which an older version made. */
function joinHistory(facts: readonly ArchiveFacts[]): RunHistory {
  const known = facts.findLastIndex(({ history }) => history !== undefined)
  const start = parseHistory(facts[known]?.history ?? '')
  return facts
    .slice(known + 1)
    .filter(({ usable }) => usable)
    .reduce((history, { bytes, files }) => addRun(history, { bytes, files, changed: null }), start)
}
