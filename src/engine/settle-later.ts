import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../lib/errors.ts'
import { type Locked, type Settled, settleVolumes, type VolumeSettling } from './settle-volumes.ts'

/** Between two tries to settle what a run left. */
const SETTLE_AGAIN_MS = 30_000
/** A volume whose mount does not answer would hold up the process. Flushing what was copied may take minutes. */
export const SETTLE_IDLE_MS = 10 * 60_000

export interface LaterSettling {
  volumes: readonly string[]
  isClosing(): boolean
  /** Why they cannot be settled yet; called whenever the reason changes. */
  onLocked(locked: Locked): void
  onSettled?(settled: Settled): void
}

/** Tried until nothing on these volumes is locked, or the daemon stops. Never rejects. */
export async function settleLater(options: VolumeSettling, later: LaterSettling): Promise<void> {
  const { volumes, isClosing, onLocked } = later
  if (volumes.length === 0) return
  for (let known = ''; !isClosing(); ) {
    const locked = await trySettle(options, later)
    if (!locked) return
    if (locked.reason !== known && !isClosing()) {
      options.log.error(
        { ...locked },
        `The volume ${locked.volume} is locked: ${locked.reason}. It is tried again every ${SETTLE_AGAIN_MS / 1000} s`,
      )
      onLocked(locked)
    }
    known = locked.reason
    await sleep(SETTLE_AGAIN_MS, undefined, { ref: false })
  }
}

async function trySettle(
  options: VolumeSettling,
  { volumes, onSettled }: LaterSettling,
): Promise<Locked | undefined> {
  try {
    const task = { withStore: false, copiesOf: volumes, idleMs: SETTLE_IDLE_MS }
    const answer = await settleVolumes(options, task)
    for (const one of answer?.settled ?? []) {
      options.log.warn({ ...one }, `a recover that had stopped half way ${one.outcome}`)
      onSettled?.(one)
    }
    return answer?.locked.find(({ volume }) => volumes.includes(volume))
  } catch (error) {
    const reason = `what a run left there cannot be settled (${messageOf(error)})`
    return { volume: volumes.join(', '), journal: '', reason }
  }
}
