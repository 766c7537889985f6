import type { AnonymousUse } from './access/access-state.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

const PROBLEM = { source: 'access', key: 'open' }

/** Reports that the data is from before tokens, so that whoever sends none may do everything. */
export function reportOpenAccess({ access, problems, log }: World): void {
  if (access.isEnforced) return
  const text =
    'Whoever reaches this controller may do everything, because its data is from before there were tokens. Give tokens to people and scripts, look at "backupd access check", then close it with "backupd access enforce"'
  problems.report({ ...PROBLEM, text })
  log.warn({}, text)
}

/**
 * From now on, callers without a token may do nothing, unless --anonymous says otherwise. Does nothing if it is so. The caller
 * has a token for everything, so nobody is locked out.
 */
export function enforceAccess(world: UserWorld): Promise<Answer<boolean>> {
  return audited(
    world,
    { verb: 'enforceAccess', facts: {} },
    {
      check: () => refuseUnlessPermitted(world, 'access', 'everything'),
      async act() {
        if (!world.access.isEnforced) await world.access.enforce()
        world.problems.clear(PROBLEM.source, PROBLEM.key)
        return true
      },
    },
  )
}

/** Who asked without a token since the start, and was answered. */
export function listAnonymousUses(world: UserWorld): Answer<AnonymousUse[]> {
  return refuseUnlessPermitted(world, 'access', 'everything') ?? world.access.listAnonymous()
}
