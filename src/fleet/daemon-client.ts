import { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'
import type { ClockWitness } from '../lib/trusted-clock.ts'
import {
  type DaemonDebug,
  debugSchema,
  type JobsSender,
  PROTOCOL,
  runAnswerSchema,
} from '../wire/daemon-api.ts'
import { type Job, type ScheduledJob, scheduledJobSchema } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import { tolerantRecordSchema } from '../wire/repair-record.ts'
import { parseEach } from '../wire/tolerant.ts'
import { createDaemonBackups, type DaemonBackups, requireCapabilities } from './daemon-backups.ts'
import { createDaemonHttp, type DaemonHttp, type DaemonHttpOptions } from './daemon-http.ts'
import { createDaemonNamespaces, type DaemonNamespaces } from './daemon-namespaces.ts'
import { askFor, encodeSegment, isMissingRoute } from './daemon-question.ts'

// The fleet: adapters to the outside world of the controller. daemon-*.ts talk to daemons over HTTP; the rest reads
// inventories, from a file (inventory-*.ts, lain-yaml.ts) or from lainlet. controller/ creates them.
// Of the domain it knows only ports.ts; it may import lib and wire.

/**
 * The daemons, over HTTP, ours or legacy ones. Implements DaemonPort of domain/ports.ts.
 * Throws DAEMON_UNREACHABLE with address and cause, DAEMON_REFUSED with the daemon's text, or the daemon's own code.
 */
export interface DaemonClient extends DaemonJobs, DaemonRuns, DaemonBackups, DaemonNamespaces {
  close(): Promise<void>
}

interface DaemonJobs {
  debug(ip: string, witness?: ClockWitness): Promise<DaemonDebug>
  confirmClock(ip: string): Promise<void>
  jobs(ip: string): Promise<ScheduledJob[]>
  setJobs(ip: string, jobs: Job[], sender: JobsSender): Promise<void>
  setNotify(ip: string, address: string): Promise<void>
  sleepJob(ip: string, id: string): Promise<void>
  wakeJob(ip: string, id: string): Promise<void>
  startScheduler(ip: string): Promise<void>
  stopScheduler(ip: string): Promise<void>
}

interface DaemonRuns {
  /** Returns the rid of the run: a legacy daemon chooses its own. */
  runJob(ip: string, id: string, run: { rid: string; reread: boolean }): Promise<string>
  /** undefined if the daemon does not know the run; a legacy daemon knows none. */
  record(ip: string, rid: string): Promise<RunRecord | undefined>
  cancel(ip: string, rid: string): Promise<void>
}

export function createDaemonClient(options: DaemonHttpOptions): DaemonClient {
  const http = createDaemonHttp(options)
  return {
    ...createDaemonJobs(http),
    ...createDaemonRuns(http),
    ...createDaemonBackups(http),
    ...createDaemonNamespaces(http),
    close: () => http.close(),
  }
}

/** A Go program prints an empty list as null. */
const jobsSchema = z
  .array(z.unknown())
  .nullable()
  .transform((list) => parseEach(scheduledJobSchema, list ?? []))

function createDaemonJobs(http: DaemonHttp): DaemonJobs {
  const put = async (ip: string, path: string, form: Record<string, string> = {}) => {
    await http.ask(ip, { method: 'PUT', path: `/api/v1${path}`, form })
  }
  const act = async (ip: string, id: string, action: 'sleep' | 'wakeup') => {
    await http.ask(ip, { method: 'POST', path: `${makeJobPath(id)}/actions/${action}`, form: {} })
  }
  return {
    debug: (ip, witness) =>
      askFor(http, ip, {
        method: 'GET',
        path: '/api/v1/debug',
        query: toClockQuery(witness),
        schema: debugSchema,
      }),
    async confirmClock(ip) {
      await http.ask(ip, { method: 'POST', path: '/api/v1/clock/actions/confirm', form: {} })
    },
    jobs: async (ip) =>
      (await askFor(http, ip, { method: 'GET', path: '/api/v1/cron/jobs', schema: jobsSchema })).good,
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

function toClockQuery(witness: ClockWitness | undefined): Record<string, string | number> {
  return witness === undefined ? {} : { clock: witness.nowMs, boot: witness.bootId }
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
        if (isNotFound(error) || isMissingRoute(error)) return undefined
        throw error
      }
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

function isNotFound(error: unknown): boolean {
  return error instanceof BackupdError && error.code === 'NOT_FOUND'
}

function makeCannotCancelError(ip: string): BackupdError {
  const message = `The daemon on ${ip} is a legacy one, which cannot cancel a run. Wait for its end, or stop that daemon`
  return new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip } })
}
