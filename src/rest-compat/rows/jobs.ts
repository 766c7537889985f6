import type { Execute } from '../../client/execute.ts'
import {
  LegacyAllJobsDocument,
  LegacyJobDocument,
  type LegacyJobFragment,
  LegacyJobsDocument,
  LegacyJobsOnServerDocument,
  LegacyRunDocument,
  LegacyServerJobsDocument,
  LegacySleepDocument,
  LegacyWakeDocument,
} from '../../client/generated/operations.ts'
import { compareTexts } from '../../lib/compare-texts.ts'
import { BackupdError } from '../../lib/errors.ts'
import { SYSTEM_APP } from '../../wire/find-app.ts'
import { ipv4Hex } from '../../wire/ids.ts'
import { describeMissingJob } from '../../wire/missing-texts.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import { argsMatch, fieldMatches } from '../args-filter.ts'
import { JsonElements } from '../json-elements.ts'
import { listLegacyJobs, readJobArgs, sortByNextRun, toLegacyJob, toScheduledJob } from '../legacy/job.ts'
import { makeListReply } from '../legacy/warning.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

/**
 * Sorted by server, then by next time; the jobs of each server are read when their turn has come. `action`,
 * `args_<name>` and a job's own fields filter the list.
 */
const jobsOfApp = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyJobsDocument,
    // The expire jobs of all servers belong to an app that has no volumes.
    ask: ({ params: { app = '' } }) => ({ app, of: app === SYSTEM_APP ? null : app }),
    answer: ([{ servers, silent }], call, execute) =>
      makeListReply(new JsonElements('[]', printJobsOfApp(servers, call, execute)), silent),
  })

async function* printJobsOfApp(
  servers: readonly { ip: string }[],
  { params, fields }: RestCall,
  execute: Execute,
): AsyncGenerator<string> {
  const asked = { app: params.app ?? '', action: fields.text('action') || null }
  const keyed = servers.map(({ ip }) => ({ ip, key: ipv4Hex(ip) }))
  for (const { ip } of keyed.sort((one, other) => compareTexts(one.key, other.key))) {
    const { jobs } = await execute(LegacyJobsOnServerDocument, { ...asked, server: ip })
    for (const job of sortByNextRun(listLegacyJobs(jobs)).filter((one) => matchesFields(one, fields)))
      yield JSON.stringify(toScheduledJob(job))
  }
}

function matchesFields(job: LegacyJobFragment, fields: RequestFields): boolean {
  return (
    argsMatch(readJobArgs(job), fields) &&
    fieldMatches(fields, 'id', job.id) &&
    fieldMatches(fields, 'spec', job.spec) &&
    fieldMatches(fields, 'type', 'cron') &&
    fieldMatches(fields, 'sleep', String(job.asleep))
  )
}

/** Grouped by server; one without jobs is left out. The jobs of each server are read when their turn has come. */
const allJobs = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyAllJobsDocument,
    ask: () => ({}),
    answer: ([{ servers, silent }], _call, execute) =>
      makeListReply(new JsonElements('{}', printJobsByServer(servers, execute)), silent),
  })

async function* printJobsByServer(servers: readonly { ip: string }[], execute: Execute) {
  for (const { ip } of servers) {
    const { server } = await execute(LegacyServerJobsDocument, { ip })
    const jobs = listLegacyJobs(server?.jobs ?? [])
    for (const [at, job] of jobs.entries()) {
      const begin = at === 0 ? `${JSON.stringify(ip)}:[` : ''
      const end = at === jobs.length - 1 ? ']' : ''
      yield `${begin}${JSON.stringify(toLegacyJob(job))}${end}`
    }
  }
}

const askJob = ({ params }: RestCall) => ({ id: params.id ?? '', app: params.app ?? '' })
const JOB = '/api/v2/app/:app/cron/jobs/:id'

export const JOB_ROWS: readonly RestRoute[] = [
  jobsOfApp('/api/v1/cron/jobs/app/:app'),
  allJobs('/api/v1/cron/jobs/all'),
  row({
    method: 'POST',
    path: '/api/v1/cron/once/app/:app/id/:id',
    document: LegacyRunDocument,
    ask: askJob,
    answer: ([{ runJob }]) => ({ status: 200, body: runJob.rid }),
  }),
  jobsOfApp('/api/v2/app/:app/cron/jobs'),
  row({
    method: 'GET',
    path: JOB,
    document: LegacyJobDocument,
    ask: askJob,
    answer([{ job }], call) {
      if (job?.app?.name !== call.params.app) throw noJob(call)
      return { status: 200, body: job && toLegacyJob(job) }
    },
    refused: { otherwise: 400 },
  }),
  row({
    method: 'POST',
    path: `${JOB}/actions/run`,
    document: LegacyRunDocument,
    ask: askJob,
    answer: ([{ runJob }]) => ({ status: 200, body: runJob.rid }),
    refused: { otherwise: 400 },
  }),
  row({
    method: 'POST',
    path: `${JOB}/actions/sleep`,
    document: LegacySleepDocument,
    ask: askJob,
    answer: () => ({ status: 200, body: 'OK' }),
    refused: { otherwise: 400 },
  }),
  row({
    method: 'POST',
    path: `${JOB}/actions/wakeup`,
    document: LegacyWakeDocument,
    ask: askJob,
    answer: () => ({ status: 200, body: 'OK' }),
    refused: { otherwise: 400 },
  }),
  row({
    method: 'POST',
    path: `${JOB}/actions/:action`,
    document: LegacyJobDocument,
    ask: askJob,
    answer([{ job }], call) {
      if (job?.app?.name !== call.params.app) throw noJob(call)
      const message = `A job has no action "${call.params.action}": ask for run, sleep or wakeup`
      throw new BackupdError('BAD_INPUT', message)
    },
    refused: { otherwise: 400 },
  }),
  allJobs('/api/v2/system/cron/jobs'),
]

function noJob({ params }: RestCall): BackupdError {
  return new BackupdError('NOT_FOUND', describeMissingJob(params.id ?? '', params.app))
}
