import { randomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { Courier } from '../../../src/daemon/notifier/courier.ts'
import { NewsMail } from '../../../src/daemon/notifier/mail.ts'
import { isoTime, NEVER, systemClock } from '../../../src/lib/clock.ts'
import { Problems } from '../../../src/lib/problems.ts'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { newRid } from '../../../src/wire/ids.ts'
import type { Job } from '../../../src/wire/job.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { sampleBackup } from '../../../test/support/catalog-samples.ts'
import { JobList } from './job-list.ts'
import type { Manners } from './manners.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import { createNewsDispatcher } from './news-dispatcher.ts'
import { makeBackup, printRun, type Run, readRunState } from './run.ts'
import type { Tally } from './tally.ts'

interface NewRun {
  /** It is queued before it begins. */
  waits?: boolean
  rid?: string
  type?: Run['type']
}

/** One daemon without a store: its runs only wait. Its news is sent by the real daemon's code. */
export class SimulatedDaemon {
  readonly ip: string
  readonly daemonId = randomBytes(16).toString('hex')
  readonly startTime = isoTime(Date.now())
  readonly manners: Manners
  readonly outbox: MemoryOutbox
  updateTime = NEVER
  readonly list = new JobList()
  controller: { id: string; url: string } | undefined
  /** Servers that are gone and have a folder in its store, with one backup each. */
  readonly deadNamespaces = new Set<string>()
  /** Ended runs, so that their records and backups can be listed. */
  readonly runs = new Map<string, Run>()
  readonly #present = new Map<string, Run>()
  readonly #backups = new Map<string, number>()
  readonly #dispatcher: Dispatcher
  #courier: Courier | undefined

  constructor(ip: string, tally: Tally, manners: Manners) {
    this.ip = ip
    this.manners = manners
    this.outbox = new MemoryOutbox(tally)
    this.#dispatcher = createNewsDispatcher(ip, tally, manners)
  }

  /** It has a list of jobs and an address for its news. */
  get isReady(): boolean {
    return this.#courier !== undefined && this.updateTime !== NEVER
  }

  /** Queued and running ones. */
  present(): Run[] {
    return [...this.#present.values()]
  }

  /** rids of queued and running ones. */
  running(): string[] {
    return [...this.#present.keys()]
  }

  get jobs(): Job[] {
    return this.list.jobs
  }

  setJobs(jobs: Job[], version: string): void {
    this.list.set(jobs, version)
    this.updateTime = isoTime(Date.now())
  }

  record(rid: string): RunRecord | undefined {
    const run = this.runs.get(rid)
    return run && printRun(run, readRunState(run))
  }

  /** A namespace of its store, by name: every full backup, and the newest state of each series. */
  backups(namespace: string): BackupInfo[] {
    if (this.deadNamespaces.has(namespace)) return [sampleBackup({ server: namespace })]
    if (namespace !== this.ip) return []
    const ended = [...this.runs.values()].filter(({ endedAt }) => endedAt !== undefined)
    const byName = new Map(ended.map(makeBackup).map((backup) => [backup.name, backup]))
    return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** Sends news to this address from now on, or at once if it was waiting for another try. */
  notify(address: string): void {
    if (this.#courier) this.#courier.hurry()
    else this.#courier = this.#openCourier(address)
  }

  #openCourier(address: string): Courier {
    const to = { address, protocol: 2 } as const
    const { ip, daemonId, outbox, list, manners } = this
    const sender = {
      clock: systemClock,
      daemonId,
      server: ip,
      running: () => this.running(),
      timesOf: (id: string) => (manners.reportsListVersion ? list.timesOf(id) : undefined),
    }
    return new Courier(to, new NewsMail(outbox, to, sender), {
      outbox,
      dispatcher: this.#dispatcher,
      log: { info() {}, warn() {}, error() {} },
      problems: new Problems(systemClock),
      onSilent() {},
    })
  }

  /** Call it after changes were added. */
  sendNews(): void {
    this.#courier?.wake()
  }

  /** Makes a run that begins at once or, with `waits`, is queued first. */
  makeRun(job: Job, { waits = false, rid = newRid(Date.now()), type = 'cron' }: NewRun = {}): Run {
    const no = (this.#backups.get(job.id) ?? 0) + 1
    this.#backups.set(job.id, no)
    const run = {
      rid,
      server: this.ip,
      job,
      type,
      no,
      queuedAt: Date.now(),
      begunAt: undefined,
      endedAt: undefined,
    }
    this.runs.set(rid, run)
    this.#present.set(rid, run)
    if (waits) this.outbox.add(run, 'queued')
    return run
  }

  beginRun(run: Run): void {
    run.begunAt = Date.now()
    this.outbox.add(run, 'running')
  }

  endRun(run: Run): void {
    run.endedAt = Date.now()
    this.#present.delete(run.rid)
    this.outbox.add(run, 'success')
  }

  async forgetController(): Promise<void> {
    await this.#courier?.close()
    this.#courier = undefined
    this.controller = undefined
    this.list.set([], '')
    this.updateTime = NEVER
  }
}
