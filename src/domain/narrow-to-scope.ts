import { BackupdError } from '../lib/errors.ts'
import type { Slice } from '../wire/listing.ts'
import { findAppOfProc } from '../wire/proc-names.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'

export const NO_ITEMS: Slice<never> = { items: [], hasNextPage: false }

interface AppFilter {
  app?: string
  proc?: string
  /** Only these apps. */
  apps?: readonly string[]
}

/** Finds the names of apps that begin with a text. */
export interface AppNames {
  findApps(prefix: string, limit: number): Promise<string[]>
}

/** Few enough for one statement. */
const MAX_APPS = 20_000

/**
 * The filter with what the caller may see as a further condition, so that lists, counts, cursors and cached pages have
 * nothing else; undefined if nothing is left.
 */
export async function narrowToScope<Filter extends AppFilter>(
  world: UserWorld,
  filter: Filter,
  names: AppNames,
): Promise<Filter | undefined> {
  if (seesEverything(world)) return filter
  const app = filter.app ?? (filter.proc && findAppOfProc(filter.proc))
  if (app) return seesApp(world, app) ? filter : undefined
  const apps = await listScopeApps(world, names)
  return apps.length > 0 ? { ...filter, apps } : undefined
}

/** The apps that exist for the caller; undefined: all. */
export async function findScopeApps(world: UserWorld, names: AppNames): Promise<string[] | undefined> {
  return seesEverything(world) ? undefined : await listScopeApps(world, names)
}

async function listScopeApps({ caller }: UserWorld, names: AppNames): Promise<string[]> {
  const { scope } = caller.principal
  const { names: exact, prefixes } = scope
  const found = await Promise.all(prefixes.map((prefix) => names.findApps(prefix, MAX_APPS + 1)))
  const apps = [...new Set([...exact, ...found.flat()])].filter((app) => scope.has(app)).sort()
  if (apps.length <= MAX_APPS) return apps
  throw new BackupdError('TOO_COSTLY', `You may see more than ${MAX_APPS} apps: name one in the filter`)
}
