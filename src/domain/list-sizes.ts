import { doAtOnce } from '../lib/in-slices.ts'
import type { InventoryApp } from '../wire/inventory.ts'
import { listApps } from './apps.ts'
import { listServers } from './list-servers.ts'
import { measureLists } from './measure-lists.ts'
import type { ListSize, Plan, PlanSizes } from './plan.ts'
import { seesEverything, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** How long lists without pages are at present: what a query that selects them costs. */
export interface ListSizes {
  apps: number
  jobs(filter: { app?: string | undefined; server?: string | undefined }): number
  servers(filter: { app?: string | undefined }): number
  tokens: number
  procsOfApps: ListSize
  instancesOfProcs: ListSize
  volumesOfInstances: ListSize
  jobsOfVolumes: ListSize
  jobsOfServers: ListSize
}

type SizedWorld = Pick<World, 'inventory'> & Record<'servers' | 'tokens', { readonly size: number }>

export function readListSizes({ inventory, servers, tokens }: SizedWorld): ListSizes {
  const { apps, jobs, jobsByApp, jobsByServer, serversByApp, sizes } = inventory.plan
  return {
    ...sizes,
    apps: apps.length,
    jobs: ({ app, server }) =>
      Math.min(
        app === undefined ? jobs.length : (jobsByApp.get(app)?.length ?? 0),
        server === undefined ? jobs.length : (jobsByServer.get(server)?.length ?? 0),
      ),
    tokens: tokens.size,
    servers: ({ app }) => (app === undefined ? servers.size : (serversByApp.get(app)?.size ?? 0)),
  }
}

/** The same for what the caller may see, so that no refusal tells how much else there is. */
export function readOwnListSizes(world: UserWorld): ListSizes {
  if (seesEverything(world)) return readListSizes(world)
  const { apps, jobsByApp, ...sizes } = findOwnSizes(world)
  const jobs = [...jobsByApp.values()].reduce((sum, count) => sum + count, 0)
  return {
    ...sizes,
    apps,
    jobs: ({ app }) => (app === undefined ? jobs : (jobsByApp.get(app) ?? 0)),
    tokens: 0,
    servers: ({ app }) => listServers(world, { app }).length,
  }
}

interface OwnSizes extends PlanSizes {
  apps: number
  jobsByApp: ReadonlyMap<string, number>
}

/** By plan and scope, because each document asks. */
const KNOWN = new WeakMap<Plan, Map<string, OwnSizes>>()

function findOwnSizes(world: UserWorld): OwnSizes {
  const { plan } = world.inventory
  const { key } = world.caller.principal.scope
  const ofPlan = KNOWN.get(plan) ?? new Map<string, OwnSizes>()
  KNOWN.set(plan, ofPlan)
  const sizes = ofPlan.get(key) ?? measureOwnLists(plan, listApps(world))
  ofPlan.set(key, sizes)
  return sizes
}

function measureOwnLists({ parts, jobsByApp }: Plan, apps: readonly InventoryApp[]): OwnSizes {
  const jobs = new Map(apps.map(({ name }) => [name, jobsByApp.get(name) ?? []]))
  const jobsByServer = Map.groupBy([...jobs.values()].flat(), ({ server }) => server)
  const volumes = apps
    .flatMap((app) => parts.apps.get(app) ?? [])
    .filter((volume) => !parts.servers.get(volume.server)?.problems.has(volume))
  return {
    ...doAtOnce(measureLists({ apps: [...apps] }, { volumes, jobsByServer })),
    apps: apps.length,
    jobsByApp: new Map([...jobs].map(([name, { length }]) => [name, length])),
  }
}
