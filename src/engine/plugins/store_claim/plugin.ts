import { z } from 'zod'
import { hasCode } from '../../../lib/errors.ts'
import type { Store } from '../../../store/store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const claimArgsSchema = z.strictObject({
  /** Claim the namespace even if another daemon owns it. */
  takeOver: z.boolean(),
  /** See ClaimOptions. */
  claimStore: z.boolean().default(false),
  newRepository: z.boolean().default(false),
})

/**
 * Makes this daemon the owner of its namespace and prepares the repository password. It answers at once from
 * a process of its own, so that a hanging store delays nothing else.
 */
export const storeClaimPlugin: Plugin<z.infer<typeof claimArgsSchema>> = {
  name: 'store_claim',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The args of a claim', raw, claimArgsSchema),
  needs: () => [],
  async run({ takeOver, ...options }, context) {
    const store = await openToAnswer(context)
    const storeId = await store.claim(takeOver, options)
    const startsOver = options.claimStore && context.settings.knownStore?.id !== storeId
    const { knownStore: _forgotten, ...fresh } = context.settings
    const claimed = startsOver ? await openToAnswer({ ...context, settings: fresh }) : store
    return {
      state: 'success',
      reason: '',
      result: {
        storeId,
        startsOver,
        ...(await preparePassword(claimed)),
        ...(await describeVersions(store)),
      },
    }
  },
}

/** A missing repository does not fail the claim, because full backups do not need it. */
async function preparePassword(store: Store): Promise<{ madePassword: boolean; missing?: string }> {
  try {
    const { made } = await store.preparePassword()
    return { madePassword: made }
  } catch (error) {
    if (hasCode(error, 'REPOSITORY_MISSING')) return { madePassword: false, missing: error.message }
    throw error
  }
}

/** Only a store that may keep versions, and tells. A claim does not fail because it cannot be asked. */
async function describeVersions({ driver }: Store): Promise<{ keepsVersions?: boolean }> {
  const keepsVersions = await driver.keepsVersions?.().catch(() => undefined)
  return keepsVersions === undefined ? {} : { keepsVersions }
}
