import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { settleVolume } from '../../storage/swap/settle.ts'
import { claimVolume, type VolumeClaim } from '../../storage/swap/volume-claim.ts'
import type { RunContext } from '../plugin.ts'

/**
 * Takes a volume for this run alone, and first ends what a run that was killed left there.
 * @param volume its real path
 * @throws CONFLICT where another run has it, VOLUME_LOCKED where what was left cannot be ended
 */
export async function claimSettledVolume(context: RunContext, volume: string): Promise<VolumeClaim> {
  const claim = await claimVolume(context.settings.dataDir, volume)
  try {
    const { settled, locked, warnings } = await settleVolume(claim, (path) =>
      context.progress({ currentPath: bytesToText(path) }),
    )
    for (const { rid, outcome } of settled)
      context.warn(`an earlier recover (${rid}) had stopped half way: it ${outcome}`)
    for (const warning of warnings) context.warn(warning)
    if (locked[0]) throw volumeLocked(volume, locked[0])
    return claim
  } catch (error) {
    await claim[Symbol.asyncDispose]()
    throw error
  }
}

function volumeLocked(
  volume: string,
  { journal, reason }: { journal: string; reason: string },
): BackupdError {
  const message = `An earlier recover of "${volume}" stopped half way and cannot be ended (see "${journal}"): ${reason}`
  return new BackupdError('VOLUME_LOCKED', message, { facts: { journal, reason } })
}
