import { randomUUID } from 'node:crypto'
import { request } from 'undici'
import { NEVER } from '../../src/lib/clock.ts'
import type { BackupEntity } from '../../src/wire/backup.ts'
import type { Job } from '../../src/wire/job.ts'
import type { LegacyRecord } from '../../src/wire/record.ts'
import { type ScriptedAnswer, type SeenRequest, scriptedDaemon } from './scripted-daemon.ts'

/** The legacy daemon as far as a controller sees it: recorded answers, everything in memory, two posts a run. */
export class LegacyDaemon {
  jobs: Job[] = []
  notify: string[] = []
  backups: BackupEntity[] = []
  readonly runs = new Map<string, LegacyRecord>()
  started = false
  updateTime = NEVER
  startTime = '2026-11-23T08:00:00.5Z'
  #version = ''
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Loses everything but its store, as after a restart. */
  restart(): void {
    this.jobs = []
    this.notify = []
    this.runs.clear()
    this.started = false
    this.updateTime = NEVER
    this.startTime = this.#time()
    this.#version = ''
  }

  answer = ({ method, path, form }: SeenRequest): ScriptedAnswer => {
    const [route = '', ...rest] = path.replace('/api/v1/', '').split('/')
    const fields = new Map(form)
    const parts = rest.map(decodeURIComponent)
    if (route === 'debug') return { body: this.#debug() }
    if (route === 'notify' && method === 'PUT') return this.#addNotify(fields.get('addr') ?? '')
    if (route === 'cron' && parts[0] === 'jobs') return this.#jobs(method, parts.slice(1), fields)
    if (route === 'cron' && method === 'PUT') return this.#setStarted(parts[0] === 'start')
    if (route === 'backup') return this.#backup(parts, form)
    return MISSING
  }

  /** Its posts at the begin and the end of a run, by default in this order. */
  async tell(rid: string, end: Partial<LegacyRecord>, order: 'begin first' | 'end first' = 'begin first') {
    const begin = this.runs.get(rid)
    this.runs.delete(rid)
    const posts = [begin, { ...begin, state: 'success', end: this.#time(), ...end }]
    if (order === 'end first') posts.reverse()
    for (const post of posts) for (const address of this.notify) await postTo(address, post)
  }

  #debug() {
    return {
      crond_status: this.started ? 'started' : 'stopped',
      goroutines: 20,
      mem_stats: { Alloc: 2_851_296 },
      running_tasks: this.runs.size,
      startTime: this.startTime,
      updateTime: this.updateTime,
    }
  }

  #addNotify(address: string): ScriptedAnswer {
    if (!this.notify.includes(address)) this.notify.push(address)
    return { body: 'OK' }
  }

  #setStarted(started: boolean): ScriptedAnswer {
    this.started = started
    return { status: 201, body: '' }
  }

  #jobs(method: string, [id, , action]: string[], fields: Map<string, string>): ScriptedAnswer {
    if (method === 'PUT') return this.#setJobs(fields)
    if (id === undefined) return { body: this.jobs.map((job) => ({ prev: NEVER, next: this.#time(), job })) }
    const job = this.jobs.find((each) => each.id === id)
    if (!job) return { status: 400, body: `Unvalid Argument: Job not found with id="${id}"` }
    if (action === 'run') return this.#run({ ...job, type: 'once' })
    job.sleep = action === 'sleep'
    return { status: job.sleep ? 201 : 204, body: '' }
  }

  #setJobs(fields: Map<string, string>): ScriptedAnswer {
    const version = fields.get('version') ?? ''
    if (version !== '' && version === this.#version) return { body: 'OK' }
    const asleep = new Set(this.jobs.filter(({ sleep }) => sleep).map(({ id }) => id))
    const list = JSON.parse(fields.get('data') ?? '[]') as Job[]
    this.jobs = list.map((job) => ({ ...job, type: 'cron', sleep: asleep.has(job.id) }))
    this.#version = version
    this.started = true
    this.updateTime = this.#time()
    return { body: 'OK' }
  }

  #backup([what, ...rest]: string[], form: [string, string][]): ScriptedAnswer {
    if (what === 'json') return { body: this.backups.length > 0 ? this.backups : null }
    if (what === 'delete') {
      const gone = form.filter(([name]) => name === 'files').map(([, file]) => file)
      this.backups = this.backups.filter(({ name }) => !gone.includes(name))
      return { status: 204, body: '' }
    }
    if (rest[0] !== 'recover') return MISSING
    const fields = new Map(form)
    const files = form.filter(([name]) => name === 'files').map(([, file]) => file)
    const text = (name: string) => fields.get(name) ?? ''
    const args = {
      namespace: text('namespace'),
      backup: rest[2],
      files: files.length > 0 ? files : null,
      destDir: text('destDir'),
      app: text('app'),
      proc: text('proc'),
    }
    return this.#run({ id: '', spec: '', action: 'backup_recover', args, type: 'once', sleep: false })
  }

  #run(job: Job): ScriptedAnswer {
    const rid = `${Math.floor(this.#now() / 1000)}${randomUUID().replaceAll('-', '')}`
    const state = { state: 'running', start: this.#time(), end: NEVER, reason: '', result: null }
    this.runs.set(rid, { ...job, rid, ...state })
    return { status: 202, body: { rid } }
  }

  #time(): string {
    return new Date(this.#now()).toISOString()
  }
}

const MISSING: ScriptedAnswer = { status: 404, body: { msg: '404 not found' } }

async function postTo(address: string, record: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const { body, statusCode } = await request(address, {
    method: 'POST',
    headers,
    body: JSON.stringify(record),
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`${address} answered ${statusCode}`)
}

/** Starts one that listens until the test ends. */
export async function startLegacyDaemon(now: () => number = Date.now) {
  const daemon = new LegacyDaemon(now)
  const { url, seen } = await scriptedDaemon(daemon.answer)
  return { daemon, url, seen }
}
