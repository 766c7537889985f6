import type { ListSize } from './plan.ts'
import type { World } from './world.ts'

/** How long lists without pages are at present: what a query that selects them costs. */
export interface ListSizes {
  apps: number
  jobs(filter: { app?: string | undefined; server?: string | undefined }): number
  servers(filter: { app?: string | undefined }): number
  procsOfApps: ListSize
  instancesOfProcs: ListSize
  volumesOfInstances: ListSize
  jobsOfVolumes: ListSize
  jobsOfServers: ListSize
}

type SizedWorld = Pick<World, 'inventory'> & { servers: { readonly size: number } }

export function readListSizes({ inventory, servers }: SizedWorld): ListSizes {
  const { apps, jobs, jobsByApp, jobsByServer, serversByApp, sizes } = inventory.plan
  return {
    ...sizes,
    apps: apps.length,
    jobs: ({ app, server }) =>
      Math.min(
        app === undefined ? jobs.length : (jobsByApp.get(app)?.length ?? 0),
        server === undefined ? jobs.length : (jobsByServer.get(server)?.length ?? 0),
      ),
    servers: ({ app }) => (app === undefined ? servers.size : (serversByApp.get(app)?.size ?? 0)),
  }
}
