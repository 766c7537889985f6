import { byteText } from '../lib/byte-counts.ts'
import type { Clock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Job } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import { VERIFY_ACTION } from '../wire/verification.ts'
import {
  type DueBackup,
  resolveBudget,
  VERIFY_DUE_ACTION,
  type VerifyDemand,
  type VerifyPlan,
  verifyDueArgsSchema,
  verifyPlanSchema,
} from '../wire/verify-schedule.ts'
import type { EngineMemory } from './ports.ts'
import { isSameNight, type VerifyNightState } from './verify-night-state.ts'

export interface VerifyNightOptions {
  /** The trusted clock: a wrong one does not give a night a second budget. */
  clock: Clock
  log: Log
  memory: Pick<EngineMemory, 'loadNight' | 'saveNight'>
  /** Of the store: reading from some costs money. */
  driver: string
  /** The verify job, if the schedule may start it now. */
  findJob(): Job | undefined
  /** Runs to its end; `idle` gives way to everything else. Throws if the daemon is stopping. */
  run(request: NightRun): Promise<RunRecord>
}

export interface NightRun {
  action: string
  args: Record<string, unknown>
  job: Job
  idle: boolean
  maxReadBytes?: number
  onBytes?(bytesDone: number): void
}

/** So many failures one after another are the store's fault, and the night ends. */
const MAX_FAILURES = 3
/** How much is read before it is noted. */
const NOTE_BYTES = 64 * 1024 * 1024

/** These say something about one backup only. */
const OWN_FAULTS = ['ARCHIVE_CORRUPT', 'SNAPSHOT_CORRUPT', 'NOT_FOUND'] as const

/**
 * Verifies the backups whose proof is due, one after another, each as a run with its own record, until the budget of the
 * night is used up. How far it came is kept, so that a restarted daemon goes on.
 */
export class VerifyNight {
  readonly #options: VerifyNightOptions
  #working: Promise<void> | undefined

  constructor(options: VerifyNightOptions) {
    this.#options = options
  }

  get demand(): VerifyDemand | null {
    return this.#options.memory.loadNight()?.demand ?? null
  }

  /** The verify job is due. In a night that has begun, it goes on with what is left of the budget. */
  begin(job: Job): void {
    const { clock, memory } = this.#options
    const now = clock.now()
    const known = memory.loadNight()
    const demand = known?.demand ?? null
    const isSame = known?.jobId === job.id && isSameNight(known, now)
    const fresh = { jobId: job.id, since: now, bytes: 0, backups: 0, tried: [], demand }
    memory.saveNight({ ...(isSame ? known : fresh), isOver: false })
    this.#workOn()
  }

  /** The schedule starts: goes on with a night that did not end. */
  resume(): void {
    const { clock, memory } = this.#options
    const night = memory.loadNight()
    if (night && !night.isOver && isSameNight(night, clock.now())) this.#workOn()
  }

  #workOn(): void {
    this.#working ??= this.#work()
      .catch((error) => this.#options.log.error({ error: messageOf(error) }, 'The verification stopped'))
      .finally(() => {
        this.#working = undefined
      })
  }

  async #work(): Promise<void> {
    for (;;) {
      const job = this.#options.findJob()
      const since = this.#readNight()?.since
      const plan = job && (await this.#plan(job))
      if (!job || !plan) return
      const end = await this.#readAll(job, plan.next)
      if (end === 'stopped') return
      const isOver = end === 'over' || !plan.hasMore
      // Another night may have begun meanwhile.
      if (isOver && since === this.#readNight()?.since) return this.#end()
    }
  }

  /** undefined if it failed; that is reported, and the next planned time tries again. */
  async #plan(job: Job): Promise<VerifyPlan | undefined> {
    const { run } = this.#options
    const budgetBytes = this.#readBudget(job)
    const { bytes = 0, tried = [] } = this.#readNight() ?? {}
    const leftBytes = budgetBytes === null ? null : Math.max(0, budgetBytes - bytes)
    const args = { ...job.args, budgetBytes, leftBytes, tried }
    const { result } = await run({ action: VERIFY_DUE_ACTION, args, job, idle: false })
    const plan = verifyPlanSchema.safeParse(result)
    if (plan.success) this.#change({ demand: plan.data.demand })
    return plan.data
  }

  /** null if this store is not verified on a schedule. */
  #readBudget({ args }: Job): number | null {
    const { budgetBytes } = verifyDueArgsSchema.parse(args)
    return resolveBudget(budgetBytes, this.#options.driver)
  }

  /** `over`: the night has nothing more to do. `stopped`: it may go on later. */
  async #readAll(job: Job, due: readonly DueBackup[]): Promise<'read' | 'over' | 'stopped'> {
    const budget = this.#readBudget(job) ?? 0
    let failures = 0
    for (const one of due) {
      const left = budget - (this.#readNight()?.bytes ?? 0)
      if (left <= 0) return 'over'
      if (one.bytes !== null && one.bytes > left) continue
      if (this.#options.findJob() === undefined) return 'stopped'
      const share = one.bytes === null && due.length > 1 ? shareOf(left) : left
      const record = await this.#verify(job, one, share)
      if (record.error?.code === 'DAEMON_RESTARTED') return 'stopped'
      failures = isFaultOfStore(record) ? failures + 1 : 0
      if (failures >= MAX_FAILURES) return this.#giveUp(record)
    }
    return 'read'
  }

  async #verify(job: Job, { bytes: _, ...args }: DueBackup, left: number): Promise<RunRecord> {
    const before = this.#readNight()?.bytes ?? 0
    let noted = 0
    const note = (bytes: number) => {
      noted = bytes
      this.#change({ bytes: before + bytes })
    }
    const record = await this.#options.run({
      action: VERIFY_ACTION,
      args,
      job,
      idle: true,
      maxReadBytes: left,
      onBytes: (bytes) => bytes - noted >= NOTE_BYTES && note(bytes),
    })
    note(Math.max(noted, record.progress?.bytesDone ?? 0))
    const { tried = [], backups = 0 } = this.#readNight() ?? {}
    if (record.error?.code !== 'DAEMON_RESTARTED')
      this.#change({ tried: [...tried, args.backup], backups: backups + 1 })
    return record
  }

  #giveUp({ reason }: RunRecord): 'over' {
    this.#options.log.warn({}, `The verification of this night ends early: ${reason}`)
    return 'over'
  }

  #end(): void {
    this.#change({ isOver: true })
    const { bytes = 0, backups = 0 } = this.#readNight() ?? {}
    this.#options.log.info(
      { bytes, backups },
      `Verified ${backups} backups in this night: ${byteText(bytes)}`,
    )
  }

  #readNight(): VerifyNightState | undefined {
    return this.#options.memory.loadNight()
  }

  #change(change: Partial<VerifyNightState>): void {
    const night = this.#readNight()
    if (night) this.#options.memory.saveNight({ ...night, ...change })
  }
}

/** A large increment leaves something for the others. */
function shareOf(left: number): number {
  return Math.min(left, Math.max(NOTE_BYTES, Math.ceil(left / 2)))
}

function isFaultOfStore({ state, error }: RunRecord): boolean {
  return state === 'failed' && !OWN_FAULTS.some((code) => code === error?.code)
}
