import { byteText } from '../../../lib/byte-counts.ts'
import type { Space } from '../../driver.ts'

/** A problem is reported if less than this share is left. */
const LOW_SHARE = 0.1

/** The room that --store-quota leaves: nobody enforces it. */
export function makeQuotaSpace(usedBytes: number, limitBytes: number): Space {
  const freeBytes = Math.max(0, limitBytes - usedBytes)
  const used = `${byteText(usedBytes)} of ${byteText(limitBytes)} are used`
  const problem = `The quota of this server in the store (--store-quota) is nearly used up: ${used}`
  return {
    freeBytes,
    totalBytes: limitBytes,
    trashBytes: null,
    quota: { usedBytes, limitBytes },
    isEnforced: false,
    problems: freeBytes < LOW_SHARE * limitBytes ? [problem] : [],
  }
}
