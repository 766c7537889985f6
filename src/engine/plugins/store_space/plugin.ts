import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

/**
 * The space of the store (Space in objects/driver.ts; nulls if it has no known limit), and how much of it deleted
 * backups of the own namespace take that can still be restored; its problems include what is missing there.
 * Throws STORE_UNAVAILABLE if the store cannot be written.
 */
export const storeSpacePlugin: Plugin<null> = {
  name: 'store_space',
  answersAtOnce: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, context) {
    const store = await openToAnswer(context)
    await store.driver.check()
    const space = (await store.driver.space?.()) ?? NO_LIMIT
    const problems = [...space.problems, ...(await store.problems())]
    const deletedRoom = await store.sumHidden()
    return { state: 'success', reason: '', result: { ...space, deletedRoom, problems } }
  },
}

const NO_LIMIT = { freeBytes: null, totalBytes: null, trashBytes: null, quota: null, problems: [] }
