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
  readonly #light: Lane = { free: LIGHT_LANES, waiting: new Set(), running: new Set() }

  constructor(concurrency: number) {
    this.#heavy = { free: concurrency, waiting: new Set(), running: new Set() }
  }

  /** Calls `begin` before it returns, where nothing is in the way. */
  enter(ticket: Ticket): void {
    const lane = this.#laneOf(ticket)
    lane.waiting.add(ticket)
    this.#advance(lane)
  }

  leave(ticket: Ticket): void {
    const lane = this.#laneOf(ticket)
    lane.waiting.delete(ticket)
    if (lane.running.delete(ticket)) {
      lane.free++
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
}
