import DataLoader from 'dataloader'
import { volumeKey } from '../domain/plan.ts'
import type { VolumeKey } from '../domain/ports.ts'
import type { World } from '../domain/world.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord } from '../wire/record.ts'

/** Few enough that other queries get their turn between two batches. */
const BATCHES = { cache: false, maxBatchSize: 100 }

/** Batches the requests of nested lists. Nothing is cached, because a subscription lives longer than an answer is valid. */
export interface Loaders {
  lastRecord: DataLoader<string, RunRecord | null>
  lastGood: DataLoader<VolumeKey, BackupInfo | null>
}

export function createLoaders(world: World): Loaders {
  return {
    lastRecord: new DataLoader(async (jobIds: readonly string[]) => {
      const last = await world.ports.records.lastOfJobs([...new Set(jobIds)])
      return jobIds.map((id) => last.get(id) ?? null)
    }, BATCHES),
    lastGood: new DataLoader(async (keys: readonly VolumeKey[]) => {
      const last = await world.ports.backups.lastGood(keys)
      return keys.map(({ server, source }) => last.get(volumeKey(server, source)) ?? null)
    }, BATCHES),
  }
}
