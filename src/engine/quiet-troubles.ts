import type { RunEnd } from './ports.ts'
import type { Run } from './run.ts'

/** What the last quiet run of each job could not do: it leaves no record that would tell. By the job's id. */
export class QuietTroubles {
  readonly #reasons = new Map<string, string>()

  list(isJob: (id: string) => boolean): string[] {
    return [...this.#reasons].filter(([id]) => isJob(id)).map(([, reason]) => reason)
  }

  note({ plugin, job }: Pick<Run, 'plugin' | 'job'>, { state, reason }: RunEnd): void {
    if (!plugin.quiet || !job || state === 'cancelled') return
    if (state === 'success') this.#reasons.delete(job.id)
    else this.#reasons.set(job.id, `The job ${plugin.name} cannot do all that is due: ${reason}`)
  }
}
