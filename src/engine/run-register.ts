import { canRun } from '../wire/actions.ts'
import { overlap } from './path-lock.ts'
import type { Run } from './run.ts'

/** All runs that are queued, running, or ended but not yet on disk. */
export class RunRegister {
  readonly #byRid = new Map<string, Run>()
  /** Job id → its runs that have not ended. */
  readonly #byJob = new Map<string, Set<Run>>()

  add(run: Run): void {
    this.#byRid.set(run.rid, run)
    if (run.job) this.#byJob.set(run.job.id, (this.#byJob.get(run.job.id) ?? new Set()).add(run))
  }

  get(rid: string): Run | undefined {
    return this.#byRid.get(rid)
  }

  all(): Run[] {
    return [...this.#byRid.values()]
  }

  ofJob(id: string): readonly Run[] {
    return [...(this.#byJob.get(id) ?? [])]
  }

  /** Call when the run has ended: its job may run again. */
  end(run: Run): void {
    if (!run.job) return
    const runs = this.#byJob.get(run.job.id)
    runs?.delete(run)
    if (runs?.size === 0) this.#byJob.delete(run.job.id)
  }

  /** Call when the end of the run is on disk. */
  forget(run: Run): void {
    this.#byRid.delete(run.rid)
    run.over.resolve()
  }

  /**
   * Finds a run that conflicts with this one: a queued one of the same job, or a one-off of the same action and
   * volume.
   */
  findRival(run: Run): Run | undefined {
    if (run.job)
      return this.ofJob(run.job.id).find((other) => canRun('refuseSameJob', other.record.now.state))
    return this.all().find(
      (other) =>
        !other.job &&
        other.plugin === run.plugin &&
        canRun('refuseSameVolume', other.record.now.state) &&
        overlap(other.ticket.needs, run.ticket.needs),
    )
  }
}
