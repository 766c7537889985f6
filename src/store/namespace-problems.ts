import { BackupdError } from '../lib/errors.ts'
import { describeGoneArchives } from './gone-archives.ts'
import { checkRepository } from './kinds/series/known-repository.ts'
import { assertOwner } from './owner.ts'
import type { StoreWorld } from './world.ts'

/** What is missing of the own namespace, a sentence each. Reads a few small files. */
export async function namespaceProblems(world: StoreWorld): Promise<string[]> {
  const store = await messageOfRefusal(() => assertOwner(world))
  if (store !== undefined) return [store]
  const repository = await messageOfRefusal(() => checkRepository(world))
  const archives = await describeGoneArchives(world)
  return [repository, archives].filter((problem) => problem !== undefined)
}

async function messageOfRefusal(check: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof BackupdError) return error.message
    throw error
  }
}
