import type { Caller } from './access/principal.ts'
import type { World } from './world.ts'

/** The world as one caller may use it: every verb and read that users can ask for takes it, never the bare world. */
export interface UserWorld extends World {
  readonly caller: Caller
}

/** Shares all state with the world, whose parts are never replaced by others. */
export function asCaller(world: World, caller: Caller): UserWorld {
  return { ...world, caller }
}

/** Whether the app exists for the caller. */
export function seesApp({ caller }: UserWorld, app: string): boolean {
  return caller.principal.scope.has(app)
}

/** Whether everything exists for the caller: then nothing need be left out. */
export function seesEverything({ caller }: UserWorld): boolean {
  return caller.principal.scope.isWhole
}

/** Whether the server exists for the caller: an app that the caller may see has volumes there. */
export function seesServer(world: UserWorld, ip: string): boolean {
  if (seesEverything(world)) return true
  const volumes = world.inventory.plan.parts.servers.get(ip)?.volumes ?? []
  return volumes.some(({ app }) => seesApp(world, app))
}
