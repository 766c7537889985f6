import { BackupdError } from '../lib/errors.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { World } from './world.ts'

/**
 * The full name of a proc that users wrote in any way that isProcNamed() takes. One that no inventory names any more is taken for
 * app.web.name, the usual type. Throws BAD_INPUT where a short name means several.
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
