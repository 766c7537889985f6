import { type AccessTarget, can } from './access/can.ts'
import type { AccessAction } from './access/roles.ts'
import { type Refused, refuse } from './answer.ts'
import type { UserWorld } from './user-world.ts'

/** Refuses with NOT_PERMITTED if the caller has no role for this. Call it for what exists for the caller only. */
export function refuseUnlessPermitted(
  { caller }: UserWorld,
  action: AccessAction,
  target: AccessTarget,
): Refused | undefined {
  const { allowed, because } = can(caller.principal, action, target)
  return allowed ? undefined : refuse('NOT_PERMITTED', because, { action })
}
