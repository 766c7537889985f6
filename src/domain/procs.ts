import { BackupdError } from '../lib/errors.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { World } from './world.ts'

/**
 * Expands the name of a proc, written in any way that isProcNamed() accepts, to its full name. A name that is not in
 * the inventory becomes app.web.name, the usual type. Throws BAD_INPUT if a short name is ambiguous.
 */
export function fullProcName(world: World, app: string | undefined, asked: string): string {
  const apps = world.inventory.plan.inventory.apps.filter(({ name }) => app === undefined || name === app)
  const names = new Set(
    apps.flatMap(({ procs }) => procs.map(({ name }) => name)).filter((name) => isProcNamed(name, asked)),
  )
  if (names.has(asked)) return asked
  if (names.size > 1) {
    throw new BackupdError('BAD_INPUT', `"${asked}" means ${[...names].join(' and ')}: write the full name`)
  }
  const [only] = names
  if (only !== undefined || app === undefined) return only ?? asked
  const parts = asked.split('.').length
  return parts > 2 ? asked : `${app}.${parts === 2 ? asked : `web.${asked}`}`
}
