import { PathLock } from './path-lock.ts'

export interface Ticket {
  /** Absolute paths that no other run may hold meanwhile. */
  needs: readonly string[]
  /** Light ones have lanes of their own, so that long runs do not keep them waiting. */
  light: boolean
  /** Called once, when its turn comes; then `leave` ends it. */
  begin(): void
}

/** Light runs at once. */
const LIGHT_LANES = 2

/**
 * First come, first served: a run begins when a lane is free and nothing it needs is held by a running one, nor
 * wanted by one that waits longer. What needs other paths goes by.
 */
export class RunQueue {
  readonly #held = new PathLock<Ticket>()
  readonly #heavy: Lane
  readonly #light = newLane(LIGHT_LANES)

  constructor(concurrency: number) {
    this.#heavy = newLane(concurrency)
  }

  /** Calls `begin` before it returns, where nothing is in the way. */
  enter(ticket: Ticket): void {
    const lane = this.#laneOf(ticket)
    lane.waiting.add(ticket)
    this.#advance(lane)
  }

  /** A running one goes on without a lane: others may begin. It keeps what it needs. */
  giveLane(ticket: Ticket): void {
    const lane = this.#laneOf(ticket)
    if (!lane.running.has(ticket) || lane.without.has(ticket)) return
    lane.without.add(ticket)
    lane.free++
    this.#advance(lane)
  }

  leave(ticket: Ticket): void {
    const lane = this.#laneOf(ticket)
    lane.waiting.delete(ticket)
    if (lane.running.delete(ticket)) {
      if (!lane.without.delete(ticket)) lane.free++
      this.#held.release(ticket.needs, ticket)
    }
    this.#advance(this.#heavy)
    this.#advance(this.#light)
  }

  #laneOf(ticket: Ticket): Lane {
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
  /** Those of `running` that gave their lane to others. */
  without: Set<Ticket>
}

function newLane(free: number): Lane {
  return { free, waiting: new Set(), running: new Set(), without: new Set() }
}
