import { isIP } from 'node:net'
import {
  LegacyServerDebugDocument,
  LegacyServerDocument,
  LegacyServerJobsDocument,
  LegacyStartDocument,
  LegacyStopDocument,
} from '../../client/generated/operations.ts'
import { NEVER } from '../../lib/clock.ts'
import { BackupdError } from '../../lib/errors.ts'
import { goTime } from '../../lib/go-time.ts'
import { describeMissingServer } from '../../wire/missing-texts.ts'
import { jsonList } from '../json-elements.ts'
import { listLegacyJobs, toLegacyJob } from '../legacy/job.ts'
import { makeListReply } from '../legacy/warning.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

const SERVER = '/api/v2/server/:ip'

export const SERVER_ROWS: readonly RestRoute[] = [
  row({
    method: 'GET',
    path: `${SERVER}/cron/jobs`,
    document: LegacyServerJobsDocument,
    ask: ({ params }) => ({ ip: params.ip ?? '' }),
    answer([{ server }]) {
      if (!server) return { status: 200, body: [] }
      return makeListReply(
        jsonList(listLegacyJobs(server.jobs), toLegacyJob),
        server.reachable ? [] : [server],
      )
    },
  }),
  row({
    method: 'GET',
    path: `${SERVER}/debug`,
    document: LegacyServerDebugDocument,
    ask: askIp,
    answer([{ server }], call) {
      if (!server) throw noServer(call)
      const { schedulerStatus, runningTasks, startTime, updateTime, goroutines, memStats } = server.debug
      const body = {
        crond_status: schedulerStatus.toLowerCase(),
        goroutines,
        mem_stats: memStats,
        running_tasks: runningTasks,
        startTime: goTime(startTime),
        updateTime: updateTime === null ? NEVER : goTime(updateTime),
      }
      return { status: 200, body }
    },
    refused: { otherwise: 400 },
  }),
  row({
    method: 'PUT',
    path: `${SERVER}/cron/actions/start`,
    document: LegacyStartDocument,
    ask: askIp,
    answer: () => ({ status: 200, body: 'OK' }),
    refused: { otherwise: 400 },
  }),
  row({
    method: 'PUT',
    path: `${SERVER}/cron/actions/stop`,
    document: LegacyStopDocument,
    ask: askIp,
    answer: () => ({ status: 200, body: 'OK' }),
    refused: { otherwise: 400 },
  }),
  row({
    method: 'PUT',
    path: `${SERVER}/cron/actions/:action`,
    document: LegacyServerDocument,
    ask: askIp,
    answer([{ server }], call) {
      if (!server) throw noServer(call)
      const message = `A scheduler has no action "${call.params.action}": ask for start or stop`
      throw new BackupdError('BAD_INPUT', message)
    },
    refused: { otherwise: 400 },
  }),
]

/** The message begins with the text of the legacy system, misspelling included. */
function askIp({ params }: RestCall): { ip: string } {
  const { ip = '' } = params
  if (isIP(ip) !== 0) return { ip }
  throw new BackupdError('BAD_INPUT', `unvalid ip addr: "${ip}" is not the IP address of a server`)
}

function noServer({ params }: RestCall): BackupdError {
  return new BackupdError('NOT_FOUND', describeMissingServer(params.ip ?? ''))
}
