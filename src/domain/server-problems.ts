import { listIgnoredWishes } from './old-daemon.ts'
import { findPlannedJob } from './plan.ts'
import { findJobApp } from './planned-job.ts'
import { isReachable, listServerProblems, type ServerState } from './server-state.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'

/** What the caller should know about the server. Problems name backups and jobs, which may be of any app. */
export function readServerProblems(world: UserWorld, server: ServerState): string[] {
  const jobs = world.inventory.plan.jobsByServer.get(server.ip) ?? []
  if (seesEverything(world))
    return [
      ...listServerProblems(server, world.problems.listAbout(server.ip)),
      ...listIgnoredWishes(jobs, server),
    ]
  const dropped = [...server.dropped].filter(([id]) => seesJob(world, id)).map(([, reason]) => reason)
  const own = jobs.filter((job) => seesApp(world, findJobApp(job)))
  return [...listCommonProblems(server), ...dropped, ...listIgnoredWishes(own, server)]
}

/** Those that name nothing of an app. */
function listCommonProblems(server: ServerState): string[] {
  return [
    isReachable(server) ? '' : 'Its daemon does not answer',
    server.leaving ? 'It left the inventory' : '',
    server.debug?.crond_status === 'stopped' ? 'Its scheduler is stopped: no job starts on its own' : '',
  ].filter((text) => text !== '')
}

function seesJob(world: UserWorld, id: string): boolean {
  const planned = findPlannedJob(world.inventory.plan, id)
  return planned !== undefined && seesApp(world, findJobApp(planned))
}
