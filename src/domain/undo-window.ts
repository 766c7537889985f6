import { hasCapability } from '../wire/capabilities.ts'
import type { Refused } from './answer.ts'
import { refuseWithoutUndo } from './deleted-backups.ts'
import type { World } from './world.ts'

export interface HowToDelete {
  /** Frees the room at once, so that nobody can undo it. */
  isFinal?: boolean
  /** Whether it may be final where it cannot be undone: the daemon is too old, or the store is full. */
  allowsFinal?: boolean
}

/** How long the daemon there is to hide what is deleted, ms; 0: the delete is final. */
export function findUndoWindow(
  { settings, servers }: World,
  ip: string,
  { isFinal = false, allowsFinal = false }: HowToDelete,
): number {
  const debug = servers.get(ip)?.debug
  const isOld = debug != null && !hasCapability(debug, 'undo')
  return isFinal || (isOld && allowsFinal) ? 0 : (settings.undoWindowMs ?? 0)
}

/** Nobody expects a delete to be final only because the daemon is old. */
export function refuseFinal(world: World, ip: string, how: HowToDelete): Refused | undefined {
  if (findUndoWindow(world, ip, how) === 0) return undefined
  const what =
    'cannot keep what is deleted. Nothing was deleted. With "now: true" it is deleted for good; otherwise'
  return refuseWithoutUndo(world, ip, what)
}
