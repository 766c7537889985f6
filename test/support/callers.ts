import {
  type Caller,
  makeAnonymous,
  makeCaller,
  makeTokenPrincipal,
} from '../../src/domain/access/principal.ts'
import type { Role } from '../../src/domain/access/roles.ts'
import { asCaller, type UserWorld } from '../../src/domain/user-world.ts'
import type { World } from '../../src/domain/world.ts'

/** A caller who may do everything, from where no audit entry comes otherwise. */
export const ADMIN: Caller = makeCaller(makeAnonymous('admin'), 'test')

export function asAdmin(world: World): UserWorld {
  return asCaller(world, ADMIN)
}

/** A caller with a role for some apps; null: for everything. */
export function callerWith(role: Role, apps: readonly string[] | null): Caller {
  return makeCaller(makeTokenPrincipal('0123456789abcdef', role, [{ role, apps }]), 'test')
}
