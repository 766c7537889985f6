import { PathLock } from './path-lock.ts'

export interface Ticket {
  /** Absolute paths that no other run may hold at the same time. */
  needs: readonly string[]
  /** Light runs have their own lanes, so that long runs do not delay them. */
  light: boolean
  /** Called once, when the run may begin. Call `leave` when it has ended. */
  begin(): void
}

/** How many light runs may run in parallel. */
const LIGHT_LANES = 2

/**
 * First come, first served. A run begins when a lane is free and none of its paths is held by a running one or needed
 * by one that has waited longer. Runs that need other paths may overtake.
 */
export class RunQueue {
  readonly #held = new PathLock<Ticket>()
  readonly #heavy: Lane
  readonly #light = newLane(LIGHT_LANES)

  constructor(concurrency: number) {
    this.#heavy = newLane(concurrency)
  }

  /** Calls `begin` synchronously if the run can begin immediately. */
  enter(ticket: Ticket): void {
    const lane = this.#findLane(ticket)
    lane.waiting.add(ticket)
    this.#advance(lane)
  }

  /** Frees the lane of a running run for others; the run continues and keeps its paths. */
  giveLane(ticket: Ticket): void {
    const lane = this.#findLane(ticket)
    if (!lane.running.has(ticket) || lane.without.has(ticket)) return
    lane.without.add(ticket)
    lane.free++
    this.#advance(lane)
  }

  leave(ticket: Ticket): void {
    const lane = this.#findLane(ticket)
    lane.waiting.delete(ticket)
    if (lane.running.delete(ticket)) {
      if (!lane.without.delete(ticket)) lane.free++
      this.#held.release(ticket.needs, ticket)
    }
    this.#advance(this.#heavy)
    this.#advance(this.#light)
  }

  #findLane(ticket: Ticket): Lane {
    return ticket.light ? this.#light : this.#heavy
  }

  #advance(lane: Lane): void {
    const wanted = new PathLock<Ticket>()
    for (const ticket of lane.waiting) {
      if (lane.free <= 0) return
      if (this.#held.isHeld(ticket.needs) || wanted.isHeld(ticket.needs)) wanted.hold(ticket.needs, ticket)
      else this.#begin(ticket, lane)
    }
  }

  #begin(ticket: Ticket, lane: Lane): void {
    lane.waiting.delete(ticket)
    lane.running.add(ticket)
    lane.free--
    this.#held.hold(ticket.needs, ticket)
    ticket.begin()
  }
}

interface Lane {
  free: number
  waiting: Set<Ticket>
  running: Set<Ticket>
  /** Those of `running` that gave up their lane. */
  without: Set<Ticket>
}

function newLane(free: number): Lane {
  return { free, waiting: new Set(), running: new Set(), without: new Set() }
}
