import { makePlanInSlices } from '../domain/make-plan.ts'
import type { Log } from '../lib/log.ts'
import { createInventoryMemory } from './inventory-memory.ts'

/** The volume paths of the inventory last in force; empty before the first one. */
export async function readRememberedPaths(
  dataDir: string,
  { volumeRoot, log }: { volumeRoot: string; log: Log },
): Promise<string[]> {
  const inventory = await createInventoryMemory(dataDir, log).load()
  if (!inventory) return []
  return (await makePlanInSlices(inventory, volumeRoot)).volumes.map(({ path }) => path)
}
