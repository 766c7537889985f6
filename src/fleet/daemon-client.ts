// The fleet: adapters to the outside world of the controller. daemon-*.ts talk to daemons over HTTP; the rest reads
// inventories, from a file (inventory-*.ts, lain-yaml.ts) or from lainlet. controller/ creates them.
// Of the domain it knows only ports.ts; it may import lib and wire.

import { z } from 'zod'
import type { DaemonPort, PollRequest } from '../domain/ports.ts'
import { BackupdError, hasCode } from '../lib/errors.ts'
import { debugSchema, PROTOCOL, runAnswerSchema } from '../wire/daemon-api.ts'
import { type ScheduledJob, scheduledJobSchema } from '../wire/job.ts'
import { tolerantRecordSchema } from '../wire/repair-record.ts'
import { logPageSchema } from '../wire/run-log.ts'
import { parseEachInSlices } from '../wire/tolerant.ts'
import { createDaemonBackups, requireCapabilities } from './daemon-backups.ts'
import { createDaemonFiles } from './daemon-files.ts'
import { createDaemonHttp, type DaemonHttp, type DaemonHttpOptions } from './daemon-http.ts'
import { createDaemonQuestions } from './daemon-questions.ts'
import { askFor, encodeSegment, isMissingRoute, noteSetAside } from './daemon-request.ts'

/**
 * The daemons, over HTTP, ours or legacy ones.
 * Throws DAEMON_UNREACHABLE with address and cause, DAEMON_REFUSED with the daemon's text, or the daemon's own code.
 */
export interface DaemonClient extends DaemonPort {
  /** Closes the connections to a daemon, with what is asked there. */
  endConnections(ip: string): void
  close(): Promise<void>
}

type DaemonJobs = Pick<
  DaemonPort,
  | 'debug'
  | 'confirmClock'
  | 'renewCertificate'
  | 'jobs'
  | 'setJobs'
  | 'setNotify'
  | 'sleepJob'
  | 'wakeJob'
  | 'startScheduler'
  | 'stopScheduler'
>
type DaemonRuns = Pick<DaemonPort, 'runJob' | 'record' | 'log' | 'cancel'>

export function createDaemonClient(options: DaemonHttpOptions): DaemonClient {
  const http = createDaemonHttp(options)
  return {
    ...createDaemonJobs(http),
    ...createDaemonRuns(http),
    ...createDaemonBackups(http),
    ...createDaemonFiles(http),
    ...createDaemonQuestions(http),
    endConnections: (ip) => http.endConnections(ip),
    close: () => http.close(),
  }
}

/** A Go program prints an empty list as null. */
const jobsSchema = z.array(z.unknown()).nullable()

async function listJobs(http: DaemonHttp, ip: string): Promise<ScheduledJob[]> {
  const path = '/api/v1/cron/jobs'
  const listed = await askFor(http, ip, { method: 'GET', path, schema: jobsSchema })
  const { good, setAside } = await parseEachInSlices(scheduledJobSchema, listed ?? [])
  noteSetAside(http, { ip, path, answer: { setAside } })
  return good
}

function createDaemonJobs(http: DaemonHttp): DaemonJobs {
  const put = async (ip: string, path: string, form: Record<string, string> = {}) => {
    await http.ask(ip, { method: 'PUT', path: `/api/v1${path}`, form })
  }
  const act = async (ip: string, id: string, action: 'sleep' | 'wakeup') => {
    await http.ask(ip, { method: 'POST', path: `${makeJobPath(id)}/actions/${action}`, form: {} })
  }
  return {
    debug: (ip, poll) =>
      askFor(http, ip, {
        method: 'GET',
        path: '/api/v1/debug',
        query: toPollQuery(poll),
        schema: debugSchema,
      }),
    async confirmClock(ip) {
      await http.ask(ip, { method: 'POST', path: '/api/v1/clock/actions/confirm', form: {} })
    },
    async renewCertificate(ip) {
      await http.ask(ip, { method: 'POST', path: '/api/v1/certificate/actions/renew', form: {} })
    },
    jobs: (ip) => listJobs(http, ip),
    setJobs: (ip, jobs, { version, controller, takeOver }) =>
      put(ip, '/cron/jobs', {
        data: JSON.stringify(jobs),
        version,
        controller: controller.id,
        controllerUrl: controller.url,
        ...(takeOver ? { takeOver: 'true' } : {}),
      }),
    setNotify: (ip, addr) => put(ip, '/notify', { addr, protocol: String(PROTOCOL) }),
    sleepJob: (ip, id) => act(ip, id, 'sleep'),
    wakeJob: (ip, id) => act(ip, id, 'wakeup'),
    startScheduler: (ip) => put(ip, '/cron/start'),
    stopScheduler: (ip) => put(ip, '/cron/stop'),
  }
}

function toPollQuery({ witness, listVersion }: PollRequest = {}): Record<string, string | number> {
  return {
    ...(listVersion !== undefined && { list: listVersion }),
    ...(witness && { clock: witness.nowMs, boot: witness.bootId }),
  }
}

function createDaemonRuns(http: DaemonHttp): DaemonRuns {
  return {
    async runJob(ip, id, { rid, reread }) {
      const path = `${makeJobPath(id)}/actions/run`
      const form = { rid, ...(reread && { reread: 'true' }) }
      if (reread)
        await requireCapabilities(http, ip, [{ capability: 'reread', what: 'read every file again' }])
      const answer = await askFor(http, ip, { method: 'POST', path, form, schema: runAnswerSchema })
      return answer.rid
    },
    async record(ip, rid) {
      try {
        const path = makeRecordPath(rid)
        const record = await askFor(http, ip, { method: 'GET', path, schema: tolerantRecordSchema })
        return record.rid === rid && record.server === ip ? record : undefined
      } catch (error) {
        if (hasCode(error, 'NOT_FOUND') || isMissingRoute(error)) return undefined
        throw error
      }
    },
    async log(ip, rid, { after, limit }) {
      await requireCapabilities(http, ip, [{ capability: 'log', what: 'show the log of a run' }])
      const path = `${makeRecordPath(rid)}/log?after=${after}&limit=${limit}`
      const page = await askFor(http, ip, { method: 'GET', path, schema: logPageSchema })
      noteSetAside(http, { ip, path, answer: page })
      return page
    },
    async cancel(ip, rid) {
      try {
        await http.ask(ip, { method: 'POST', path: `${makeRecordPath(rid)}/actions/cancel`, form: {} })
      } catch (error) {
        throw isMissingRoute(error) ? makeCannotCancelError(ip) : error
      }
    },
  }
}

function makeJobPath(id: string): string {
  return `/api/v1/cron/jobs/${encodeSegment(id)}`
}

function makeRecordPath(rid: string): string {
  return `/api/v1/cron/records/${encodeSegment(rid)}`
}

function makeCannotCancelError(ip: string): BackupdError {
  const message = `The daemon on ${ip} is a legacy one, which cannot cancel a run. Wait for its end, or stop that daemon`
  return new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip } })
}
