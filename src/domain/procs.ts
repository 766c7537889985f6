import { BackupdError } from '../lib/errors.ts'
import { findAppOfProc, isProcNamed, shortenProcName } from '../wire/proc-names.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'

/** How many names an error lists at most. */
const MAX_LISTED = 10

/**
 * Expands the name of a proc, written in any way that isProcNamed() accepts, to its full name. A name that is not in
 * the inventory becomes app.web.name, the usual type. Throws BAD_INPUT if a short name is ambiguous.
 */
export function fullProcName(world: UserWorld, app: string | undefined, asked: string): string {
  const names = listProcNames(world, app, asked)
  if (names.has(asked)) return asked
  const [only, ...others] = [...names].filter((name) => isProcNamed(name, asked))
  if (only !== undefined && others.length > 0) {
    const listed = [only, ...others].slice(0, MAX_LISTED).join(' and ')
    throw new BackupdError('BAD_INPUT', `"${asked}" means ${listed}: write the full name`)
  }
  if (only !== undefined || app === undefined) return only ?? asked
  const parts = asked.split('.').length
  return parts > 2 ? asked : `${app}.${parts === 2 ? asked : `web.${asked}`}`
}

/** The procs that may be meant: those of the app, or all with that short name. */
function listProcNames(world: UserWorld, app: string | undefined, asked: string): ReadonlySet<string> {
  const { appsByName, procNames } = world.inventory.plan
  if (app === undefined) {
    const names = procNames.get(shortenProcName(asked)) ?? new Set()
    return seesEverything(world) ? names : new Set([...names].filter((name) => isSeenProc(world, name)))
  }
  if (!seesApp(world, app)) return new Set()
  return new Set(appsByName.get(app)?.procs.map(({ name }) => name))
}

/** An inventory may name procs in other ways; these are then written in full. */
function isSeenProc(world: UserWorld, name: string): boolean {
  const app = findAppOfProc(name)
  return app !== undefined && seesApp(world, app)
}
