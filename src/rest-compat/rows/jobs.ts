import type { Execute } from '../../client/execute.ts'
import {
  LegacyAllJobsDocument,
  LegacyJobDocument,
  LegacyJobsDocument,
  LegacyRunDocument,
  LegacyServerJobsDocument,
  LegacySleepDocument,
  LegacyWakeDocument,
} from '../../client/generated/operations.ts'
import { BackupdError } from '../../lib/errors.ts'
import { describeMissingJob } from '../../wire/missing-texts.ts'
import { argsMatch, fieldMatches } from '../args-filter.ts'
import { JsonElements, jsonList } from '../json-elements.ts'
import { readJobArgs, sortBySchedule, toLegacyJob, toScheduledJob } from '../legacy/job.ts'
import { makeListReply } from '../legacy/warning.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

/** `action`, `args_<name>` and a job's own fields filter the list. */
const jobsOfApp = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyJobsDocument,
    ask: ({ params, fields }) => ({ app: params.app ?? '', action: fields.text('action') || null }),
    answer([{ jobs, silent }], { fields }) {
      const found = sortBySchedule(jobs).filter(
        (job) =>
          argsMatch(readJobArgs(job), fields) &&
          fieldMatches(fields, 'id', job.id) &&
          fieldMatches(fields, 'spec', job.spec) &&
          fieldMatches(fields, 'type', 'cron') &&
          fieldMatches(fields, 'sleep', String(job.asleep)),
      )
      return makeListReply(jsonList(found, toScheduledJob), silent)
    },
  })

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
    const jobs = server?.jobs ?? []
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
