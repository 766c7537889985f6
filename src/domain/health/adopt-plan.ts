import type { Interruptible } from '../../lib/in-slices.ts'
import type { Plan } from '../plan.ts'
import type { HealthBoard } from './board.ts'

/** Takes over the volumes of a plan that came into force; those that did not change keep what is known of them. */
export function* adoptPlan(board: HealthBoard, plan: Plan): Interruptible<void> {
  const { volumesByName } = plan
  for (const [identity, volume] of volumesByName) {
    board.takeVolume(identity, volume)
    yield
  }
  for (const identity of [...board.identities()]) {
    if (!volumesByName.has(identity)) board.dropVolume(identity)
    yield
  }
  board.adopted = plan
}
