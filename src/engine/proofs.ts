import { DRILL_DUE_ACTION } from '../wire/drill-schedule.ts'
import type { Job } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import { VERIFY_DUE_ACTION, type VerifyDemand } from '../wire/verify-schedule.ts'
import { DrillPlace } from './drill-place.ts'
import { DrillRound } from './drill-round.ts'
import type { EngineOptions } from './engine-options.ts'
import type { JobTable } from './job-table.ts'
import { type NightRun, VerifyNight } from './verify-night.ts'

export interface ProofsOptions extends EngineOptions {
  table: Pick<JobTable, 'status' | 'list'>
  /** As Engine.ask(). */
  ask(action: string, args: Record<string, unknown>): Promise<unknown>
  /** Runs to its end. Throws if the daemon is stopping. */
  run(request: NightRun): Promise<RunRecord>
}

/** The jobs that prove backups: each begins a round of runs, one for each backup. */
export class Proofs {
  readonly #options: ProofsOptions
  readonly #night: VerifyNight
  readonly #drills: DrillRound
  /** Whether the daemon's --drill-dir can be used. */
  readonly drillPlace: DrillPlace

  constructor(options: ProofsOptions) {
    this.#options = options
    const { clock, agingClock = clock, log, memory, settings, run } = options
    this.#night = new VerifyNight({
      clock: agingClock,
      log,
      memory,
      driver: settings.store.driver,
      findJob: () => this.#findAwakeJob(VERIFY_DUE_ACTION),
      run,
    })
    this.drillPlace = new DrillPlace({
      ...options,
      drillDir: settings.drillDir,
      jobs: () => this.#listJobs(),
    })
    const findJob = () => this.#findAwakeJob(DRILL_DUE_ACTION)
    this.#drills = new DrillRound({ log, place: this.drillPlace, findJob, run })
  }

  /** @returns false if the job proves nothing */
  begin(job: Job): boolean {
    if (job.action === VERIFY_DUE_ACTION) this.#night.begin(job)
    else if (job.action === DRILL_DUE_ACTION) this.#drills.begin(job)
    else return false
    return true
  }

  /** Goes on with the verifications that a restart interrupted. */
  resume(): void {
    this.#night.resume()
  }

  /** What it takes to keep all backups proven; null until the verify job has run. */
  get verifyDemand(): VerifyDemand | null {
    return this.#night.demand
  }

  /** undefined while the schedule is stopped, or the job sleeps. */
  #findAwakeJob(wanted: string): Job | undefined {
    if (this.#options.table.status === 'stopped') return undefined
    return this.#listJobs().find(({ action, sleep }) => action === wanted && !sleep)
  }

  #listJobs(): Job[] {
    return this.#options.table.list().map(({ job }) => job)
  }
}
