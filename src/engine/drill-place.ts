import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import { DRILL_CHECK_ACTION, drillCheckSchema } from '../wire/drill.ts'
import type { Job } from '../wire/job.ts'

export interface DrillPlaceOptions {
  /** As --drill-dir names it; undefined without it. */
  drillDir: string | undefined
  problems: Problems
  log: Log
  jobs(): readonly Job[]
  ask(action: string, args: Record<string, unknown>): Promise<unknown>
}

const PROBLEM = ['drill-dir', 'unusable'] as const

/** Keeps a problem on the board while the daemon's --drill-dir cannot be used. */
export class DrillPlace {
  readonly #options: DrillPlaceOptions

  constructor(options: DrillPlaceOptions) {
    this.#options = options
  }

  /** Whether there is a --drill-dir. */
  get isNamed(): boolean {
    return this.#options.drillDir !== undefined
  }

  /** @returns whether drills can be done; without --drill-dir they cannot, and that is no problem */
  async check(): Promise<boolean> {
    const { drillDir, problems, log } = this.#options
    if (drillDir === undefined) return false
    const problem = await this.#findProblem()
    if (problem === null) {
      problems.clear(...PROBLEM)
      return true
    }
    const text = `No backup is drilled: ${problem}`
    if (!problems.has(...PROBLEM)) log.warn({ drillDir }, text)
    problems.report({ source: PROBLEM[0], key: PROBLEM[1], text })
    return false
  }

  async #findProblem(): Promise<string | null> {
    const { drillDir, jobs, ask } = this.#options
    const volumes = jobs().filter(({ action }) => action === 'backup')
    const jobPaths = volumes.map(({ args }) => String(args.path))
    try {
      return drillCheckSchema.parse(await ask(DRILL_CHECK_ACTION, { jobPaths })).problem
    } catch (error) {
      return `the --drill-dir "${drillDir}" could not be looked at (${messageOf(error)}): see that its file system answers`
    }
  }
}
