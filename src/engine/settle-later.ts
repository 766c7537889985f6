import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../lib/errors.ts'
import {
  describeSettled,
  type SettledVolume,
  settleVolumes,
  type UnsettledVolume,
  type VolumeSettling,
} from './settle-volumes.ts'

/** Delay between two tries. */
const RETRY_INTERVAL_MS = 30_000
/** Ends a settling process on a mount that does not answer. So long, because flushing copied data may take minutes. */
export const SETTLE_IDLE_MS = 10 * 60_000

export interface LaterSettling {
  volumes: readonly string[]
  isClosing(): boolean
  /** Called whenever the reason why the volumes cannot be settled changes. */
  onLocked(locked: UnsettledVolume): void
  onSettled?(settled: SettledVolume): void
}

/** Retries until no volume is locked any more or the daemon stops. Never rejects. */
export async function settleLater(options: VolumeSettling, later: LaterSettling): Promise<void> {
  const { volumes, isClosing, onLocked } = later
  if (volumes.length === 0) return
  for (let known = ''; !isClosing(); ) {
    const locked = await trySettle(options, later)
    if (!locked) return
    if (locked.reason !== known && !isClosing()) {
      options.log.error(
        { ...locked },
        `The volume ${locked.volume} is locked: ${locked.reason}. Trying again every ${RETRY_INTERVAL_MS / 1000} s`,
      )
      onLocked(locked)
    }
    known = locked.reason
    await sleep(RETRY_INTERVAL_MS, undefined, { ref: false })
  }
}

async function trySettle(
  options: VolumeSettling,
  { volumes, onSettled }: LaterSettling,
): Promise<UnsettledVolume | undefined> {
  try {
    const task = { withStore: false, copiesOf: volumes, idleMs: SETTLE_IDLE_MS }
    const answer = await settleVolumes(options, task)
    for (const one of answer?.settled ?? []) {
      options.log.warn({ ...one }, describeSettled(one))
      onSettled?.(one)
    }
    return answer?.locked.find(({ volume }) => volumes.includes(volume))
  } catch (error) {
    const reason = `an interrupted run on it cannot be settled (${messageOf(error)})`
    return { volume: volumes.join(', '), journal: '', reason }
  }
}
