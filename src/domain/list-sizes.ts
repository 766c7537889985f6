import { listApps } from './apps.ts'
import { listServers } from './list-servers.ts'
import type { ListSize } from './plan.ts'
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
  const whole = readListSizes(world)
  if (seesEverything(world)) return whole
  const own = new Set(listApps(world).map(({ name }) => name))
  const countJobs = (app: string) => world.inventory.plan.jobsByApp.get(app)?.length ?? 0
  const jobs = [...own].reduce((sum, app) => sum + countJobs(app), 0)
  const most = (size: ListSize): ListSize => ({
    all: Math.min(size.all, jobs),
    most: Math.min(size.most, jobs),
  })
  return {
    ...whole,
    jobsOfServers: most(whole.jobsOfServers),
    tokens: 0,
    apps: own.size,
    jobs: ({ app }) => (app === undefined ? jobs : own.has(app) ? countJobs(app) : 0),
    servers: ({ app }) => listServers(world, { app }).length,
  }
}
