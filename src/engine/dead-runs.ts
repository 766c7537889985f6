import type { Run } from './run.ts'
import type { RunQueue } from './run-queue.ts'
import type { RunWatch } from './run-watch.ts'
import type { VolumeLocks } from './volume-locks.ts'
import { within } from './within.ts'

/** How long runs wait for the volumes of a killed run before they are refused. */
const SETTLE_WAIT_MS = 30_000

interface DeadRunsParts {
  queue: RunQueue
  watch: RunWatch
  locks: VolumeLocks
}

/** Lets runs leave the queue that did not end by themselves: their volumes may be half done, and are settled first. */
export class DeadRuns {
  readonly #parts: DeadRunsParts

  constructor(parts: DeadRunsParts) {
    this.#parts = parts
  }

  /**
   * Keeps the volumes of a killed run locked until its process is gone and its leftovers are settled. Runs that are
   * queued for them wait for that, but not forever: a process on a dead mount may never end.
   */
  leaveKilled({ ticket, rid }: Run, gone: Promise<void>): void {
    const { queue, watch, locks } = this.#parts
    const reason = `the run ${rid} was killed, and is not settled yet; if this lasts, check whether the volume's mount answers`
    const { hasRoom } = watch
    const leave = () => queue.leave(ticket)
    const settled = locks.settle(ticket.needs, { reason, after: watch.holdStuck(gone), onLocked: leave })
    // If too many processes hang, the run keeps its lane, so that their number stays limited.
    if (hasRoom) queue.giveLane(ticket)
    void (hasRoom ? within(SETTLE_WAIT_MS, settled) : settled).then(leave)
  }

  /** Its process is gone, or done. Other runs of its volumes wait while these are settled, and are refused if that fails. */
  leaveHalfDone({ ticket }: Run): void {
    const { queue, locks } = this.#parts
    queue.giveLane(ticket)
    const leave = () => queue.leave(ticket)
    void locks.settle(ticket.needs, { onLocked: leave }).then(leave)
  }
}
