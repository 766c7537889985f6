import { PathLock } from './path-lock.ts'

export interface Ticket {
  /** Absolute paths that no other run may hold at the same time. */
  needs: readonly string[]
  /** Light runs have their own lanes, so that long runs do not delay them. */
  light: boolean
  /** An idle run has a lane of its own, begins only while no heavy run exists, and is paused while one does. */
  pause?(isPaused: boolean): void
  /** Called once, when the run may begin. Call `leave` when it has ended. */
  begin(): void
}

/** How many light runs may run in parallel. */
const LIGHT_LANES = 2

/**
 * First come, first served. A run begins when a lane is free and none of its paths is held by a running one or needed
 * by one that has waited longer. Runs that need other paths may overtake. Idle runs give way to all heavy ones.
 */
export class RunQueue {
  readonly #held = new PathLock<Ticket>()
  readonly #heavy: Lane
  readonly #light = newLane(LIGHT_LANES)
  readonly #idle = newLane(1)

  constructor(concurrency: number) {
    this.#heavy = newLane(concurrency)
  }

  /** Calls `begin` synchronously if the run can begin immediately. */
  enter(ticket: Ticket): void {
    const lane = this.#findLane(ticket)
    lane.waiting.add(ticket)
    if (lane !== this.#idle) this.#advance(lane)
    this.#updateIdle()
  }

  /** Frees the lane of a running run for others; the run continues and keeps its paths. */
  giveLane(ticket: Ticket): void {
    const lane = this.#findLane(ticket)
    if (!lane.running.has(ticket) || lane.without.has(ticket)) return
    lane.without.add(ticket)
    lane.free++
    this.#advance(lane)
    this.#updateIdle()
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
    this.#updateIdle()
  }

  /** Whether idle runs have to wait. A run that hangs without a lane does not count, nor does one that waits for an idle one. */
  get isBusy(): boolean {
    const { waiting, running, without } = this.#heavy
    if (running.size > without.size) return true
    const idle = new PathLock<Ticket>()
    for (const ticket of this.#idle.running) idle.hold(ticket.needs, ticket)
    return waiting.values().some(({ needs }) => !idle.isHeld(needs))
  }

  #updateIdle(): void {
    const { isBusy } = this
    for (const ticket of this.#idle.running) ticket.pause?.(isBusy)
    if (!isBusy) this.#advance(this.#idle)
  }

  #findLane(ticket: Ticket): Lane {
    if (ticket.pause) return this.#idle
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
