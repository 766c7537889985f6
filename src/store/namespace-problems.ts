import { BackupdError } from '../lib/errors.ts'
import { describeGoneArchives } from './gone-archives.ts'
import { describeUnreadableHolds } from './hold-note.ts'
import { describeUnreadableNote } from './kinds/series/damage-note.ts'
import { describeUnreadableHidden } from './kinds/series/hidden-snapshots.ts'
import { checkRepository } from './kinds/series/known-repository.ts'
import { assertOwner } from './owner.ts'
import type { StoreWorld } from './world.ts'

/** Lists what is missing or unreadable in the own namespace, one sentence each. Cheap: reads only a few small files. */
export async function listNamespaceProblems(world: StoreWorld): Promise<string[]> {
  const store = await findErrorMessage(() => assertOwner(world))
  if (store !== undefined) return [store]
  const repository = await findErrorMessage(() => checkRepository(world))
  const archives = await describeGoneArchives(world)
  const note = await describeUnreadableNote(world.driver, world.identity.ip)
  const holds = await describeUnreadableHolds(world.driver, world.identity.ip)
  const hidden = await describeUnreadableHidden(world.driver, world.identity.ip)
  return [repository, archives, note, holds, hidden].filter((problem) => problem !== undefined)
}

async function findErrorMessage(check: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof BackupdError) return error.message
    throw error
  }
}
