import { printJobTimes } from '../../../src/daemon/print-job-times.ts'
import { readMemStats } from '../../../src/daemon/read-mem-stats.ts'
import { systemBootClock } from '../../../src/lib/boot-clock.ts'
import { BackupdError } from '../../../src/lib/errors.ts'
import { CAPABILITIES } from '../../../src/wire/capabilities.ts'
import { type BackupPage, type DaemonDebug, PROTOCOL } from '../../../src/wire/daemon-api.ts'
import type { Job } from '../../../src/wire/job.ts'
import type { JobList } from './job-list.ts'
import { runAtOnce } from './runs.ts'
import type { SimulatedDaemon } from './simulated-daemon.ts'

/** A request of a controller, with the fields of its query and its form. */
export interface Asked {
  method: string
  path: string
  fields: URLSearchParams
}

interface Answer {
  status: number
  body?: unknown
}

interface Route {
  method: string
  path: RegExp
  answer(daemon: SimulatedDaemon, asked: Asked, match: RegExpExecArray): Answer
}

const OK: Answer = { status: 200, body: 'OK' }

/** What a controller asks of a daemon in the course of a day. */
const ROUTES: Record<string, Route> = {
  debug: route('GET', '/debug', (daemon, { fields }) => ({ status: 200, body: describe(daemon, fields) })),
  jobs: route('GET', '/cron/jobs', (daemon) => ({ status: 200, body: daemon.list.list() })),
  setJobs: route('PUT', '/cron/jobs', setJobs),
  notify: route('PUT', '/notify', (daemon, { fields }) => {
    daemon.notify(fields.get('addr') ?? '')
    return OK
  }),
  run: route('POST', '/cron/jobs/([^/]+)/actions/run', (daemon, { fields }, [, id]) => {
    const run = runAtOnce(daemon, findJob(daemon, id), fields.get('rid') ?? undefined)
    return { status: 202, body: { rid: run.rid } }
  }),
  sleep: route('POST', '/cron/jobs/([^/]+)/actions/sleep', (daemon, _asked, [, id]) => {
    daemon.list.setSleep(findJob(daemon, id).id, true)
    return { status: 201, body: '' }
  }),
  wake: route('POST', '/cron/jobs/([^/]+)/actions/wakeup', (daemon, _asked, [, id]) => {
    daemon.list.setSleep(findJob(daemon, id).id, false)
    return { status: 204 }
  }),
  record: route('GET', '/cron/records/([^/]+)', (daemon, _asked, [, rid = '']) => {
    const body = daemon.record(rid)
    if (!body) throw new BackupdError('NOT_FOUND', `The record "${rid}" does not exist on this daemon`)
    return { status: 200, body }
  }),
  backups: route('GET', '/backup/json', (daemon, { fields }) => ({
    status: 200,
    body: listBackups(daemon, fields),
  })),
  namespaces: route('GET', '/backup/namespaces', ({ ip, deadNamespaces }) => {
    return { status: 200, body: { namespaces: [ip, ...deadNamespaces] } }
  }),
  unknown: route('GET', '/backup/unknown', () => ({ status: 200, body: { count: 0, names: [] } })),
}

function route(method: string, path: string, answer: Route['answer']): Route {
  return { method, path: new RegExp(`^/api/v1${path}$`), answer }
}

/** @returns the answer and the name of its route */
export function answer(daemon: SimulatedDaemon, asked: Asked): Answer & { route: string; code?: string } {
  for (const [name, { method, path, answer }] of Object.entries(ROUTES)) {
    const match = method === asked.method ? path.exec(asked.path) : null
    if (match) return { route: name, ...tryAnswer(() => answer(daemon, asked, match)) }
  }
  return { route: 'missing', status: 404, body: { msg: '404 not found' } }
}

function tryAnswer(ask: () => Answer): Answer & { code?: string } {
  try {
    return ask()
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    return { status: error.code === 'NOT_FOUND' ? 404 : 409, code: error.code, body: error.message }
  }
}

function describe(daemon: SimulatedDaemon, fields: URLSearchParams): DaemonDebug {
  const { ip, daemonId, startTime, updateTime, controller, list } = daemon
  const { reportsListVersion } = daemon.manners
  const running = daemon.running()
  return {
    crond_status: 'started',
    ...(reportsListVersion && fields.has('list')
      ? describeTimes(list, fields.get('list') ?? '')
      : { goroutines: 10, mem_stats: readMemStats() }),
    running_tasks: running.length,
    startTime,
    updateTime,
    protocol: PROTOCOL,
    capabilities: [...CAPABILITIES],
    ...(reportsListVersion && describeVersions(list)),
    daemonId,
    ip,
    version: '0.1.0',
    ...(controller && { controller, newsWaitingMs: daemon.outbox.waitingMs() }),
    running,
    problems: [],
    store: {
      driver: 'local',
      freeBytes: 1e12,
      totalBytes: 2e12,
      trashBytes: 0,
      quota: null,
      deletedRoom: { backups: 0, bytes: 0, snapshots: 0 },
      error: null,
    },
    clock: { now: Date.now(), boot: systemBootClock.bootId, inDoubt: false },
    timeZone: 'Etc/UTC',
  }
}

function describeVersions({
  version,
  listVersion,
}: JobList): Pick<DaemonDebug, 'jobsVersion' | 'listVersion'> {
  return { ...(version !== '' && { jobsVersion: version }), listVersion }
}

/** What a poll wants to know of the jobs: only what changed. */
function describeTimes(list: JobList, listVersion: string): Pick<DaemonDebug, 'times'> {
  const changed = listVersion === list.listVersion ? undefined : list.listSince(listVersion)
  if (!changed) return {}
  return { times: changed.map(printJobTimes) }
}

function setJobs(daemon: SimulatedDaemon, { fields }: Asked): Answer {
  const id = fields.get('controller') ?? ''
  const known = daemon.controller
  if (known && known.id !== id && fields.get('takeOver') !== 'true')
    throw new BackupdError('CONFLICT', `The jobs of this daemon are from ${known.id}`)
  daemon.controller = { id, url: fields.get('controllerUrl') ?? '' }
  daemon.setJobs(JSON.parse(fields.get('data') ?? '[]') as Job[], fields.get('version') ?? '')
  return OK
}

function findJob({ jobs }: SimulatedDaemon, id = ''): Job {
  const job = jobs.find((each) => each.id === decodeURIComponent(id))
  if (!job) throw new BackupdError('NOT_FOUND', `Unvalid Argument: Job not found with id="${id}"`)
  return job
}

function listBackups(daemon: SimulatedDaemon, fields: URLSearchParams): BackupPage {
  const limit = Number(fields.get('limit') ?? 1000)
  const after = fields.get('after') ?? ''
  const rest = daemon.backups(fields.get('namespace') ?? daemon.ip).filter(({ name }) => name > after)
  const backups = rest.slice(0, limit)
  return { backups, next: rest.length > limit ? (backups.at(-1)?.name ?? null) : null }
}
