import { z } from 'zod'
import { openStore } from '../../../storage/store/store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'

const claimArgsSchema = z.strictObject({
  /** Make the namespace ours though another daemon owns it. */
  takeOver: z.boolean(),
})

/** Makes this daemon the owner of its namespace, and sees to the password of increments. A query, so that a store that does not answer holds up nothing else. */
export const storeClaimPlugin: Plugin<z.infer<typeof claimArgsSchema>> = {
  name: 'store_claim',
  query: true,
  parseArgs: (raw) => parseShape('The args of a claim', raw, claimArgsSchema),
  needs: () => [],
  async run({ takeOver }, { settings, clock }) {
    const store = await openStore(settings.store, settings, clock)
    await store.claim(takeOver)
    const { made } = await store.preparePassword()
    return { state: 'success', reason: '', result: { madePassword: made } }
  },
}
