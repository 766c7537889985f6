import { BackupdError } from '../../lib/errors.ts'
import { goTime } from '../../lib/go-time.ts'
import { withoutControls } from '../../lib/plain-text.ts'
import { printValue } from '../../wire/ids.ts'
import { type Job, jobSchema, type ScheduledJob } from '../../wire/job.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import type { KnownController } from '../memory/controller-memory.ts'
import { checkReady, readFlag, readRid } from './run-request.ts'

/** Fields of a job that filter the list, besides `args_<name>`. */
const FILTERS = ['id', 'spec', 'action', 'type', 'sleep'] as const

/** `?action=backup&args_app=hello`: lists the jobs that match all filters. */
export function handleJobList({ fields }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  const jobs = engine.jobs().filter(({ job }) => fits(job, fields))
  return { status: 200, body: jobs.map(printScheduled) }
}

function fits(job: Job, fields: RequestFields): boolean {
  return fields.names.every((name) => {
    if (name.startsWith('args_'))
      return fields.list(name).includes(printValue(job.args[name.slice('args_'.length)]))
    const known = FILTERS.find((filter) => filter === name)
    return known === undefined || fields.list(name).includes(String(job[known]))
  })
}

function printScheduled({ prev, next, job }: ScheduledJob): ScheduledJob {
  return { prev: goTime(prev), next: goTime(next), job }
}

export function handleJobCount(_call: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  return { status: 200, body: { count: engine.jobs().length } }
}

export function handleJob({ params }: DaemonCall, { engine }: DaemonParts): DaemonAnswer {
  return { status: 200, body: findJob(params.id ?? '', engine).job }
}

/** The message begins with the text of the legacy daemon, misspelling included, for scripts that search for it. */
function findJob(id: string, engine: DaemonParts['engine']): ScheduledJob {
  const job = engine.job(id)
  if (job) return job
  throw new BackupdError(
    'NOT_FOUND',
    `Unvalid Argument: Job not found with id="${id}"; GET /api/v1/cron/jobs lists the jobs of this daemon`,
  )
}

/**
 * Fields: `data`, a JSON list, and `version`; from our controllers also `controller`, `controllerUrl`, `takeOver`.
 * Invalid jobs are dropped and logged, the rest accepted. Throws CONFLICT for a list of another controller.
 */
export function handleJobUpload({ fields }: DaemonCall, { engine, bond, log }: DaemonParts): DaemonAnswer {
  const read = readJobs(readList(fields))
  bond.accept({ controller: readController(fields), takeOver: fields.text('takeOver') === 'true' })
  const { accepted, dropped } = engine.setJobs(read.jobs, fields.text('version'))
  const all = [...read.dropped, ...dropped]
  log.info({ accepted, dropped: all.length, version: fields.text('version') }, 'A list of jobs arrived')
  for (const { id, reason } of all.slice(0, 20)) log.warn({ id }, `Job "${id}" was dropped: ${reason}`)
  return { status: 200, body: 'OK' }
}

function readController(fields: RequestFields): KnownController | undefined {
  const id = fields.text('controller')
  if (id === '') return undefined
  if (/^[0-9a-f]{32}$/.test(id))
    return { id, url: withoutControls(fields.text('controllerUrl').slice(0, 300)) }
  const what = `The field "controller" is "${withoutControls(id.slice(0, 100))}", expected 32 hex digits`
  throw new BackupdError('BAD_INPUT', `${what}. The jobs stay as they were`)
}

function readList(fields: RequestFields): readonly unknown[] {
  const [first] = fields.rawList('data')
  const parsed =
    typeof first === 'string' ? parseList(first) : fields.has('data') ? fields.rawList('data') : undefined
  if (Array.isArray(parsed)) return parsed
  if (parsed === null) return []
  throw new BackupdError(
    'BAD_INPUT',
    'Unvalid Argument: given data is not a list of jobs: send a JSON list in the form field "data"',
  )
}

function parseList(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const problem = (cause as Error).message
    throw new BackupdError(
      'BAD_INPUT',
      `Unvalid Argument: given data is not a valid json string: ${problem}. The jobs stay as they were`,
      { cause },
    )
  }
}

function readJobs(list: readonly unknown[]): { jobs: Job[]; dropped: { id: string; reason: string }[] } {
  const jobs: Job[] = []
  const dropped: { id: string; reason: string }[] = []
  for (const [at, value] of list.entries()) {
    const parsed = jobSchema.safeParse(value)
    if (parsed.success) jobs.push(parsed.data)
    else
      dropped.push({ id: labelJob(value, at), reason: parsed.error.issues[0]?.message ?? 'it is not a job' })
  }
  return { jobs, dropped }
}

function labelJob(value: unknown, at: number): string {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  return typeof id === 'string' ? id : `number ${at + 1} of the list`
}

export async function handleRunOnce(
  { params, fields }: DaemonCall,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const { job } = findJob(params.id ?? '', world.engine)
  checkReady(world)
  const { rid } = await world.engine.runJob(job.id, {
    ...readRid(fields),
    reread: readFlag(fields, 'reread'),
  })
  return { status: 202, body: { rid } }
}

const JOB_ACTIONS: Readonly<
  Record<string, (call: DaemonCall, world: DaemonParts) => DaemonAnswer | Promise<DaemonAnswer>>
> = {
  run: handleRunOnce,
  sleep({ params }, { engine }) {
    engine.sleep(findJob(params.id ?? '', engine).job.id)
    return { status: 201, body: '' }
  },
  wakeup({ params }, { engine }) {
    engine.wake(findJob(params.id ?? '', engine).job.id)
    return { status: 204 }
  },
}

export function handleJobAction(call: DaemonCall, world: DaemonParts): DaemonAnswer | Promise<DaemonAnswer> {
  const name = (call.params.action ?? '').toLowerCase()
  const action = Object.hasOwn(JOB_ACTIONS, name) ? JOB_ACTIONS[name] : undefined
  if (action) return action(call, world)
  throw new BackupdError(
    'BAD_INPUT',
    `The action "${name}" of a job does not exist, expected one of ${Object.keys(JOB_ACTIONS).join(', ')}`,
  )
}
