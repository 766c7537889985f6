import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { type CopyPolicy, type SettledJournals, settleVolume } from '../../volume/swap/settle.ts'
import { claimVolume, type VolumeClaim } from '../../volume/swap/volume-claim.ts'
import type { RunContext } from '../plugin.ts'
import { describeFinishedHooks } from '../settle-volumes.ts'
import { findOwedHooks, finishOwedHooks } from './finish-owed-hooks.ts'

/**
 * Claims a volume for this run and first settles what a killed run left on it, and runs the hooks that it owes. Only a recover finishes an interrupted
 * copy in place, because it replaces the content anyway.
 * @param volume its real path
 * @throws CONFLICT if another run has claimed it, VOLUME_LOCKED if the interrupted run cannot be settled, or its hooks cannot be run now
 */
export async function claimSettledVolume(
  context: RunContext,
  volume: string,
  copies: CopyPolicy = 'refuse',
): Promise<VolumeClaim> {
  const claim = await claimVolume(context.settings.dataDir, volume)
  try {
    const onPath = (path: Buffer) => context.progress({ currentPath: bytesToText(path) })
    const { settled, locked, warnings } = await settleVolume(claim, { onPath, copies })
    for (const one of settled) context.warn(settledWarning(one))
    for (const warning of warnings) context.warn(warning)
    if (locked[0]) throw volumeLocked(volume, locked[0])
    await finishHooks(context, volume)
    return claim
  } catch (error) {
    await claim[Symbol.asyncDispose]()
    throw error
  }
}

async function finishHooks(context: RunContext, volume: string): Promise<void> {
  const { finished, locked } = await finishOwedHooks(context, await findOwedHooks(context, [volume]))
  for (const { rid, hooks } of finished)
    context.warn(`an earlier run (${rid}) was interrupted: ${describeFinishedHooks(hooks)}`)
  const [first] = locked
  if (!first) return
  const { journal, reason } = first
  const message = `"${volume}" is locked: ${reason}`
  throw new BackupdError('VOLUME_LOCKED', message, { facts: { journal, reason } })
}

function settledWarning({ rid, outcome, faults }: SettledJournals['settled'][number]): string {
  const inexact = faults === undefined ? '' : `, but ${faults} entries could not be restored exactly`
  return `an earlier recover (${rid}) was interrupted: it ${outcome}${inexact}`
}

function volumeLocked(
  volume: string,
  { journal, reason }: { journal: string; reason: string },
): BackupdError {
  const message = `An earlier recover of "${volume}" stopped half way and cannot be completed (see "${journal}"): ${reason}`
  return new BackupdError('VOLUME_LOCKED', message, { facts: { journal, reason } })
}
