import DataLoader from 'dataloader'
import { volumeKey } from '../domain/plan.ts'
import type { VolumeKey } from '../domain/ports.ts'
import { seesApp, type UserWorld } from '../domain/user-world.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'

/** Few enough that other queries get their turn between two batches. */
const BATCHES = { cache: false, maxBatchSize: 100 }

/** Batches the requests of nested lists. Nothing is cached, because a subscription lives longer than an answer is valid. */
export interface Loaders {
  lastRecord: DataLoader<string, RunRecord | null>
  lastGood: DataLoader<VolumeKey, BackupInfo | null>
}

export function createLoaders(world: UserWorld): Loaders {
  return {
    lastRecord: new DataLoader(async (jobIds: readonly string[]) => {
      const last = await world.ports.records.lastOfJobs([...new Set(jobIds)])
      return jobIds.map((id) => hideForeign(world, last.get(id), findApp))
    }, BATCHES),
    lastGood: new DataLoader(async (keys: readonly VolumeKey[]) => {
      const last = await world.ports.backups.lastGood(keys)
      return keys.map(({ server, source }) =>
        hideForeign(world, last.get(volumeKey(server, source)), ({ app }) => app),
      )
    }, BATCHES),
  }
}

/** What lies at the place of a volume may be of another app: one that had the place before. */
function hideForeign<T>(world: UserWorld, found: T | undefined, readApp: (found: T) => string): T | null {
  return found !== undefined && seesApp(world, readApp(found)) ? found : null
}
