import { BackupdError } from '../lib/errors.ts'
import type { World } from './world.ts'

/** `hello.web.web` → `web` */
export function shortNameOf(proc: string): string {
  return proc.slice(proc.lastIndexOf('.') + 1)
}

/** Users write `web` or `hello.web.web`. */
export function isNamed(proc: string, asked: string): boolean {
  return proc === asked || shortNameOf(proc) === asked
}

/**
 * The full name of a proc that users wrote, short or full. One that no inventory names any more is taken for
 * app.web.name, the usual type. Throws BAD_INPUT where a short name means several.
 */
export function fullProcName(world: World, app: string | undefined, asked: string): string {
  const apps = world.inventory.plan.inventory.apps.filter(({ name }) => app === undefined || name === app)
  const names = new Set(
    apps.flatMap(({ procs }) => procs.map(({ name }) => name)).filter((name) => isNamed(name, asked)),
  )
  if (names.has(asked)) return asked
  if (names.size > 1) {
    throw new BackupdError('BAD_INPUT', `"${asked}" means ${[...names].join(' and ')}: write the full name`)
  }
  const [only] = names
  return only ?? (asked.includes('.') || app === undefined ? asked : `${app}.web.${asked}`)
}
