import type { Clock } from '../../lib/clock.ts'
import type { AlarmStore } from '../alarm-ports.ts'
import { AlarmBoard } from './alarm-board.ts'
import { AlarmBook } from './alarm-book.ts'
import { AlarmGate } from './alarm-gate.ts'

/** Everything about alarms that a controller has. */
export class AlarmDesk {
  readonly board: AlarmBoard
  readonly book: AlarmBook
  readonly gate: AlarmGate
  /** This start is the first one with these rules: what is wrong already is told in one summary. */
  isFirstRound = false
  /** All daemons have answered since the start, or their time is up. */
  isSettled = false
  /** What was last found wrong with the controller, by state. */
  ownReasons: ReadonlyMap<string, string[]> = new Map()
  /** Elapsed ms. */
  lookedAt = Number.NEGATIVE_INFINITY
  ownLookedAt = Number.NEGATIVE_INFINITY

  constructor(store: AlarmStore, clock: Clock) {
    this.board = new AlarmBoard(clock)
    this.book = new AlarmBook(store)
    this.gate = new AlarmGate(clock)
  }
}
