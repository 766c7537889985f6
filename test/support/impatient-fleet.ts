import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onEnd } from './lifetime.ts'

/** Daemons and a user in a process of their own, so that a controller that stands still does not stop them. */
export interface FleetOrder {
  /** Of the controller. */
  url: string
  ips: string[]
  runsPerDaemon: number
  /** The time in which all runs begin and end. */
  withinMs: number
  /** How long a daemon waits for an answer. Real ones wait 20 s: all their times are shortened alike. */
  patienceMs: number
}

export interface FleetReport {
  /** rid → the versions (`seq`) that were the newest in a post which was answered 200: each has to be an event. */
  accepted: Record<string, number[]>
  offeredRecords: number
  /** How long news was offered, ms. */
  offeredMs: number
  refused: number
  gaveUp: number
  /** Posts that arrived once more after newer ones. */
  lateCopies: number
  /** Answers that should not have been. */
  wrong: string[]
  lists: {
    answered: number
    /** Longest time between two answers, ms. */
    longestGapMs: number
    wrong: string[]
  }
}

const CHILD = fileURLToPath(new URL('../programs/impatient-fleet-child.ts', import.meta.url))

/** Starts the fleet; resolves when all news of all daemons is accepted. */
export function startFleet(order: FleetOrder): Promise<FleetReport> {
  const child = fork(CHILD, [JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  onEnd(async () => void child.kill('SIGKILL'))
  const report = new Promise<FleetReport>((resolve, reject) => {
    child.once('message', (message) => resolve(message as FleetReport))
    child.once('exit', (code) => reject(new Error(`The fleet ended with code ${code}`)))
  })
  // A test that fails before it waits for the report kills the fleet.
  report.catch(() => {})
  return report
}
