import type { DaemonPort } from '../../src/domain/ports.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import type { ClockWitness } from '../../src/lib/trusted-clock.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import type { DaemonDebug, JobsSender, RecoverRequest, UnknownObjects } from '../../src/wire/daemon-api.ts'
import type { DrillRequest } from '../../src/wire/drill.ts'
import type { HiddenBackup } from '../../src/wire/hidden.ts'
import type { Job, ScheduledJob } from '../../src/wire/job.ts'
import type { KeptRequest } from '../../src/wire/kept-old.ts'
import type { QuestionAnswer, QuestionArgs, QuestionName } from '../../src/wire/questions.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import type { SnapshotInfo } from '../../src/wire/snapshot.ts'
import type { VerifyRequest } from '../../src/wire/verification.ts'

/** A daemon that keeps everything in memory and follows the test's orders. */
export class MemoryDaemon {
  down = false
  /** Neither answers nor refuses: the caller waits until it is released. */
  hang: Promise<void> | undefined
  /** The same, by question. */
  readonly hangsAt = new Map<string, Promise<void>>()
  /** Refuses runs with this message. */
  refusal: BackupdError | undefined
  debug: DaemonDebug
  jobs: ScheduledJob[] = []
  versions: string[] = []
  notify: string[] = []
  /** Questions that it refuses. */
  readonly refusals = new Map<QuestionName, BackupdError>()
  /** Actions it does not know, so that it drops their jobs. */
  unknownSpecs = new Set<string>()
  records = new Map<string, RunRecord>()
  backups: BackupInfo[] = []
  /** Of each of its increments, newest first. */
  snapshots: SnapshotInfo[] = []
  /** What was deleted, and can be restored. */
  hidden: HiddenBackup[] = []
  recovers: RecoverRequest[] = []
  verifies: VerifyRequest[] = []
  drills: DrillRequest[] = []
  keptChanges: (KeptRequest & { change: 'undo' | 'drop' })[] = []
  /** Folders of its store besides those of its backups. */
  namespaces: string[] = []
  unknown = new Map<string, UnknownObjects>()
  asked: string[] = []
  /** The jobs that each change of its list was about. */
  readonly #changes: string[] = []
  /** The controller's time in each request for its state. */
  witnesses: (ClockWitness | undefined)[] = []

  constructor(ip: string, changes: Partial<DaemonDebug> = {}) {
    this.debug = {
      crond_status: 'started',
      running_tasks: 0,
      startTime: '2026-11-23T08:00:00Z',
      updateTime: NEVER,
      protocol: 2,
      capabilities: ['failures'],
      daemonId: `daemon of ${ip}`,
      ip,
      version: '1.0.0',
      running: [],
      ...changes,
    }
  }

  restart(startTime: string): void {
    this.debug = { ...this.debug, startTime, updateTime: NEVER }
  }

  setJobs(jobs: Job[], { version, controller, takeOver }: JobsSender): void {
    const known = this.debug.controller
    if (known && known.id !== controller.id && !takeOver)
      throw new BackupdError('CONFLICT', `the jobs of this daemon are from ${known.id}`)
    this.debug.controller = controller
    this.versions.push(version)
    const asleep = new Set(this.jobs.filter(({ job }) => job.sleep).map(({ job }) => job.id))
    this.jobs = jobs
      .filter(({ spec }) => !this.unknownSpecs.has(spec))
      .map((job) => ({
        prev: NEVER,
        next: '2026-11-24T05:00:00Z',
        job: { ...job, sleep: asleep.has(job.id) },
      }))
    this.debug.updateTime = '2026-11-23T09:00:00Z'
    if (this.debug.listVersion !== undefined) this.debug.jobsVersion = version
    this.noteChange('all')
  }

  /** The schedule starts a job. */
  startJob(id: string, at: string): void {
    for (const scheduled of this.jobs) if (scheduled.job.id === id) scheduled.prev = at
    this.noteChange(id)
  }

  /** A daemon made without a `listVersion` reports none. @param id of a job, or `all` */
  noteChange(id: string): void {
    if (this.debug.listVersion === undefined) return
    this.#changes.push(id)
    this.debug.listVersion = `${this.#changes.length}`
  }

  timesSince(listVersion: string | undefined): Pick<DaemonDebug, 'times'> {
    const changed = this.#changes.slice(Number(listVersion || 0))
    if (!listVersion || changed.length === 0 || changed.includes('all')) return {}
    const jobs = this.jobs.filter(({ job }) => changed.includes(job.id))
    return { times: jobs.map(({ prev, next, job: { id, sleep } }) => ({ id, prev, next, sleep })) }
  }
}

type Answers = {
  [Name in QuestionName]?: (daemon: MemoryDaemon, args: QuestionArgs<Name>) => QuestionAnswer<Name>
}

/** What a MemoryDaemon says to the questions of the table; it does not know the others. */
const ANSWERS: Answers = {
  files(daemon, { name, path }) {
    if (!daemon.backups.some((backup) => backup.name === name))
      throw new BackupdError('NOT_FOUND', `no ${name}`)
    const file = {
      path: `${path}/a.txt`,
      type: 'file',
      size: 3,
      mode: 420,
      uid: 3_000_000_000,
      gid: 0,
    } as const
    return {
      files: [{ ...file, modified: '2026-11-23T09:00:00Z', linkTarget: null, sha256: null }],
      next: null,
    }
  },
  snapshots: ({ snapshots }) => ({ snapshots, next: null }),
  diff: () => ({ changes: [], next: null }),
  history: () => ({ versions: [], next: null }),
  hidden: ({ hidden }) => ({ hidden, next: null }),
  restoreHidden: () => ({ backups: [] }),
  deleteSnapshots: (_daemon, { snapshots }) => ({ deletedSnapshots: snapshots }),
  namespaces: ({ debug, backups, namespaces }) => ({
    namespaces: [...new Set([debug.ip ?? '', ...backups.map(({ server }) => server), ...namespaces])],
  }),
  unknown: ({ unknown }, { namespace }) => unknown.get(namespace) ?? { count: 0, names: [] },
}

/** All daemons of a test, by IP. */
export function memoryDaemons(): DaemonPort & {
  at(ip: string): MemoryDaemon
  add(daemon: MemoryDaemon): MemoryDaemon
} {
  const daemons = new Map<string, MemoryDaemon>()
  const at = (ip: string) => {
    const daemon = daemons.get(ip)
    if (!daemon) throw unreachable(ip)
    return daemon
  }
  const reach = async (ip: string, question: string) => {
    const daemon = at(ip)
    daemon.asked.push(question)
    await daemon.hang
    await daemon.hangsAt.get(question)
    if (daemon.down) throw unreachable(ip)
    return daemon
  }
  const run = async (ip: string, rid: string, question = 'run') => {
    const daemon = await reach(ip, question)
    if (daemon.refusal) throw daemon.refusal
    return daemon.debug.protocol === 2 ? rid : `1795425846${'b'.repeat(32)}`
  }
  const setSleep = async (ip: string, id: string, sleep: boolean) => {
    const daemon = await reach(ip, sleep ? 'sleep' : 'wake')
    for (const { job } of daemon.jobs) if (job.id === id) job.sleep = sleep
    daemon.noteChange(id)
  }
  return {
    at,
    add(daemon) {
      daemons.set(daemon.debug.ip ?? '', daemon)
      return daemon
    },
    async debug(ip, { witness, listVersion } = {}) {
      const daemon = await reach(ip, 'debug')
      daemon.witnesses.push(witness)
      return { ...daemon.debug, ...daemon.timesSince(listVersion) }
    },
    async confirmClock(ip) {
      const { debug } = await reach(ip, 'confirmClock')
      if (debug.clock) debug.clock.inDoubt = false
    },
    async renewCertificate(ip) {
      await reach(ip, 'renewCertificate')
    },
    jobs: async (ip) => structuredClone((await reach(ip, 'jobs')).jobs),
    setJobs: async (ip, jobs, sender) => (await reach(ip, 'setJobs')).setJobs(jobs, sender),
    setNotify: async (ip, address) => void (await reach(ip, 'notify')).notify.push(address),
    runJob: (ip, _id, { rid, reread }) => run(ip, rid, reread ? 'run reread' : 'run'),
    sleepJob: (ip, id) => setSleep(ip, id, true),
    wakeJob: (ip, id) => setSleep(ip, id, false),
    async startScheduler(ip) {
      ;(await reach(ip, 'start')).debug.crond_status = 'started'
    },
    async stopScheduler(ip) {
      ;(await reach(ip, 'stop')).debug.crond_status = 'stopped'
    },
    record: async (ip, rid) => (await reach(ip, 'record')).records.get(rid),
    log: async (ip) => (await reach(ip, 'log')) && { lines: [], next: null },
    async cancel(ip, rid) {
      const daemon = await reach(ip, 'cancel')
      const record = daemon.records.get(rid)
      if (record)
        daemon.records.set(rid, { ...record, seq: record.seq + 1, state: 'cancelled', end: record.start })
    },
    async *backups(ip, namespace) {
      yield (await reach(ip, 'backups')).backups.filter(({ server }) => server === namespace)
    },
    async ask(ip, question, args) {
      const daemon = await reach(ip, question)
      const refusal = daemon.refusals.get(question)
      if (refusal) throw refusal
      const answer = ANSWERS[question]
      if (!answer) throw new BackupdError('DAEMON_REFUSED', `no ${question}`, { facts: { status: 404 } })
      return answer(daemon, args)
    },
    async readFile(ip: string) {
      await reach(ip, 'readFile')
      throw new BackupdError('DAEMON_REFUSED', 'no files', { facts: { status: 404 } })
    },
    async deleteBackups(ip, namespace, names) {
      const daemon = await reach(ip, 'delete')
      daemon.backups = daemon.backups.filter(
        ({ server, name }) => server !== namespace || !names.includes(name),
      )
    },
    async verify(ip, request) {
      const rid = await run(ip, request.rid)
      at(ip).verifies.push(request)
      return rid
    },
    async drill(ip, request) {
      const rid = await run(ip, request.rid)
      at(ip).drills.push(request)
      return rid
    },
    async changeKept(ip, change, request) {
      const rid = await run(ip, request.rid)
      at(ip).keptChanges.push({ change, ...request })
      return rid
    },
    async recover(ip, request) {
      const rid = await run(ip, request.rid)
      at(ip).recovers.push(request)
      return rid
    },
  }
}

export function unreachable(ip: string): BackupdError {
  return new BackupdError('DAEMON_UNREACHABLE', `Cannot reach the daemon on ${ip}`, {
    facts: { server: ip },
  })
}
