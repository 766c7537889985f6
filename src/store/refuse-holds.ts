import { BackupdError } from '../lib/errors.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { type BackupPin, leaveOutEndedPins, listPins } from '../wire/pin.ts'

/** What somebody wants to delete. */
interface HeldTarget {
  name: string
  /** A snapshot of it. */
  snapshot?: string
}

/**
 * Throws CONFLICT if something is held: who pinned it, why, until when, and how to release it.
 * @param nowMs the trusted time
 */
export function refuseHolds(target: HeldTarget, holds: readonly string[], nowMs: number): void {
  const left = leaveOutEndedPins(holds, nowMs)
  if (left.length === 0) return
  const pins = listPins(left)
  const why = [...left.filter(isUnusualHold).map((text) => `it is held (${text})`), ...pins.map(describePin)]
  const facts = { ...target, pins: pins.map((pin) => ({ ...pin })) }
  const message = `Cannot delete ${nameTarget(target)}: ${why.join('; ')}. ${describeRelease(pins)}; nothing was deleted`
  throw new BackupdError('CONFLICT', message, { facts })
}

function nameTarget({ name, snapshot }: HeldTarget): string {
  return snapshot === undefined ? `"${name}"` : `the snapshot ${snapshot.slice(0, 8)} of "${name}"`
}

function describePin({ at, by, reason, until }: BackupPin): string {
  if (at === null) return `it is held (${reason})`
  const end = until === null ? 'until somebody releases it' : `until ${until}`
  return `${by} pinned it at ${at} ${end}: ${reason}`
}

/** An unusual backup is acknowledged, and everything else is released. No command is spelt out with names from the store. */
function describeRelease([pin]: readonly BackupPin[]): string {
  if (!pin) return 'Release it first: "backupd unusual list" has the command for acknowledgeUnusual'
  return `Release it first: "backupd pin list" has the command for the pin ${pin.id} (mutation "release")`
}
