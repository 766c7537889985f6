import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { DRILL_ACTION } from '../wire/drill.ts'
import {
  DRILL_DUE_ACTION,
  type DrillPlan,
  drillDueArgsSchema,
  drillPlanSchema,
} from '../wire/drill-schedule.ts'
import type { Job } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import type { DrillPlace } from './drill-place.ts'
import type { NightRun } from './verify-night.ts'

export interface DrillRoundOptions {
  log: Log
  place: Pick<DrillPlace, 'check'>
  /** The drill job, if the schedule may start it now. */
  findJob(): Job | undefined
  /** Runs to its end; `idle` gives way to everything else. Throws if the daemon is stopping. */
  run(request: NightRun): Promise<RunRecord>
}

/** So many failures one after another are the fault of the store or of the directory, and the round ends. */
const MAX_FAILURES = 3
/** These say something about one backup only. */
const ABOUT_ONE: ReadonlySet<string> = new Set([
  'ARCHIVE_CORRUPT',
  'SNAPSHOT_CORRUPT',
  'SIGNATURE_BAD',
  'UNSIGNED',
  'NOT_FOUND',
  'TIMED_OUT',
])

/**
 * Drills the newest good backup of each volume, one after another, each as a run with its own record. Nothing is kept of a round:
 * one that a restart cut short is not continued, and the next one begins with what was drilled the longest ago.
 */
export class DrillRound {
  readonly #options: DrillRoundOptions
  #working: Promise<void> | undefined
  /** Volumes whose last drill since the start failed, in this order. The others come before them, or would never have a turn. */
  readonly #failed = new Set<string>()

  constructor(options: DrillRoundOptions) {
    this.#options = options
  }

  /** The drill job is due. A round that has not ended goes on instead. */
  begin(job: Job): void {
    this.#working ??= this.#work(job)
      .catch((error) => this.#options.log.error({ error: messageOf(error) }, 'The drills stopped'))
      .finally(() => {
        this.#working = undefined
      })
  }

  async #work(job: Job): Promise<void> {
    const { place, run, log } = this.#options
    if (!(await place.check())) return
    const { result } = await run({ action: DRILL_DUE_ACTION, args: job.args, job, idle: false })
    const plan = drillPlanSchema.safeParse(result).data
    if (!plan) return
    if (plan.tooLarge > 0)
      log.warn({ backups: plan.tooLarge }, 'Backups that are larger than a drill may be are not drilled')
    await this.#drillAll(this.#putFailedLast(plan.next))
  }

  #putFailedLast(next: readonly NextDrill[]): NextDrill[] {
    const failed = [...this.#failed]
    return next.toSorted((one, other) => failed.indexOf(keyOf(one)) - failed.indexOf(keyOf(other)))
  }

  async #drillAll(next: readonly NextDrill[]): Promise<void> {
    let failures = 0
    for (const one of next) {
      const job = this.#options.findJob()
      if (job === undefined) return
      if (!isWanted(job, one)) continue
      const { app, proc, backup, namespace } = one
      const args = { app, proc, backup, namespace }
      const record = await this.#options.run({ action: DRILL_ACTION, args, job, idle: true })
      if (record.state === 'cancelled' || record.error?.code === 'DAEMON_RESTARTED') return
      this.#failed.delete(keyOf(one))
      if (record.state !== 'success') this.#failed.add(keyOf(one))
      failures = record.state === 'failed' && !isAboutOne(record) ? failures + 1 : 0
      if (failures < MAX_FAILURES) continue
      this.#options.log.warn({}, `The drills of this round end early: ${record.reason}`)
      return
    }
  }
}

type NextDrill = DrillPlan['next'][number]

function keyOf({ mode, source }: NextDrill): string {
  return `${mode} ${source}`
}

/** Its volume may have left the inventory since the round began. */
function isWanted({ args }: Job, { source }: NextDrill): boolean {
  const sources = drillDueArgsSchema.safeParse(args).data?.sources
  return sources === undefined || sources.includes(source)
}

function isAboutOne({ error }: RunRecord): boolean {
  return error !== null && ABOUT_ONE.has(error.code)
}
