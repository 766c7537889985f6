// The process that plays all daemons; the bench calls its functions. News goes out through the real daemon's courier,
// from the daemon's own address; the requests of the controller are answered by routes.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import { answerCalls } from '../calls.ts'
import { type History, listHistory } from '../history-runs.ts'
import { type Faults, serveFleet } from './fleet-server.ts'
import type { Manners } from './manners.ts'
import { collectBegins, collectEnds, collectLives, runAllJobs, runNext } from './runs.ts'
import { SimulatedDaemon } from './simulated-daemon.ts'
import { type Counts, type EndDelays, Tally } from './tally.ts'

export interface SimulatorOptions {
  servers: string[]
  port: number
}

export interface Delivery {
  /** From the first change until all were accepted; null if that took longer than the limit. */
  takenMs: number | null
  /** Until the last run ended. */
  endedMs: number
  before: Counts
  after: Counts
  delays: EndDelays
  /** Processor time that the simulator itself used, ms. */
  simulatorCpuMs: number
}

export interface MidnightOptions {
  /** How long it takes until all runs have ended. */
  windowMs: number
  /** When to give up waiting for the controller. */
  limitMs: number
}

export interface CatchUpOptions {
  /** How many daemons have news, at most. */
  senders: number
  /** The news is of one run of each job: that they began, that these ended, or three changes of each, one run after the other. */
  part: 'begins' | 'ends' | 'lives'
  limitMs: number
}

/** What the bench can call. */
export interface Simulator {
  open(options: SimulatorOptions): Promise<void>
  counts(): Counts
  /** Those that are left out stay as they are. At first, all daemons are of this version. */
  behave(manners: Partial<Manners>): void
  /** Forgets which daemons were polled, and when. */
  forgetPolls(): void
  /** Waits until every daemon was polled, and has a list of jobs and an address for its news. */
  untilReady(limitMs: number): Promise<void>
  /** All jobs of all daemons fall due at the same moment. */
  midnight(options: MidnightOptions): Promise<Delivery>
  /** Many daemons send at once what has waited in their outboxes. */
  catchUp(options: CatchUpOptions): Promise<Delivery>
  /** Runs begin and end one by one, each on another daemon. @returns how many */
  trickle(options: { runsPerSecond: number; seconds: number }): Promise<number>
  /** All daemons are as newly installed: another controller can have them. */
  forgetController(): Promise<void>
  /** The daemons have the records and backups of these runs, and no others. */
  remember(history: History): void
  /** Throws away what the controller has not accepted. */
  dropNews(): void
  /** Folders of servers that are gone, each in the store of a daemon; replaces those of the last call. */
  buryServers(dead: { owner: string; ip: string }[]): void
  /** From now on, these daemons answer nothing, never, or late; all others answer at once. */
  setFaults(faults: Faults): void
  /** Forgets which daemons were sent or asked anything. */
  forgetLists(): void
  /** Waits until these daemons got a new list. @returns unix ms of the last one, null after `limitMs` */
  untilNewLists(servers: string[], limitMs: number): Promise<number | null>
  /** How many daemons besides these were asked for their lists or sent something, or were polled out of turn. */
  countOthersAsked(servers: string[]): number
}

const LOOK_EVERY_MS = 5
/** A controller asks each daemon every 27 to 30 s. */
const EARLY_POLL_MS = 20_000

const COLLECT = { begins: collectBegins, ends: collectEnds, lives: collectLives }

const daemons = new Map<string, SimulatedDaemon>()
const tally = new Tally()
const manners: Manners = { obeysRetryAfter: true, reportsListVersion: true }
const faults: Faults = { dead: [], hanging: [], slow: [] }
const sentLists = new Map<string, number>()
const disturbed = new Set<string>()
/** Unix ms of the last one. */
const polls = new Map<string, number>()

answerCalls({
  async open({ servers, port }) {
    for (const ip of servers) daemons.set(ip, new SimulatedDaemon(ip, tally, manners))
    await serveFleet({ port, find: (ip) => daemons.get(ip), tally, faults, onAsked: noteAsked })
  },
  counts: () => tally.counts(),
  behave(changed) {
    Object.assign(manners, changed)
  },
  forgetPolls: () => polls.clear(),
  async untilReady(limitMs) {
    const isReady = () => [...daemons.values()].every((daemon) => daemon.isReady && polls.has(daemon.ip))
    if (!(await until(isReady, limitMs))) throw new Error(`Not every daemon got its jobs in ${limitMs} ms`)
  },
  midnight: ({ windowMs, limitMs }) =>
    deliver(limitMs, async () => {
      await Promise.all([...daemons.values()].map((daemon) => runAllJobs(daemon, windowMs)))
    }),
  catchUp: ({ senders, part, limitMs }) =>
    deliver(limitMs, async () => {
      const some = [...daemons.values()].slice(0, senders)
      for (const daemon of some) COLLECT[part](daemon)
      for (const daemon of some) daemon.sendNews()
    }),
  trickle,
  async forgetController() {
    for (const daemon of daemons.values()) await daemon.forgetController()
  },
  remember(history) {
    for (const { runs } of daemons.values()) runs.clear()
    for (const run of listHistory(history)) daemons.get(run.server)?.runs.set(run.rid, run)
  },
  dropNews() {
    for (const { outbox } of daemons.values()) outbox.drop()
    tally.made = tally.accepted
  },
  buryServers(dead) {
    for (const daemon of daemons.values()) daemon.deadNamespaces.clear()
    for (const { owner, ip } of dead) daemons.get(owner)?.deadNamespaces.add(ip)
  },
  setFaults(changed) {
    Object.assign(faults, changed)
  },
  forgetLists() {
    sentLists.clear()
    disturbed.clear()
  },
  async untilNewLists(servers, limitMs) {
    const haveAll = await until(() => servers.every((ip) => sentLists.has(ip)), limitMs)
    return haveAll ? Math.max(...servers.map((ip) => sentLists.get(ip) ?? 0)) : null
  },
  countOthersAsked: (servers) => [...disturbed].filter((ip) => !servers.includes(ip)).length,
} satisfies Simulator)

function noteAsked({ ip }: SimulatedDaemon, route: string): void {
  if (route === 'setJobs') sentLists.set(ip, Date.now())
  if (route === 'debug' ? notePoll(ip) : ['jobs', 'setJobs', 'notify'].includes(route)) disturbed.add(ip)
}

/** @returns whether the last one was only a moment ago */
function notePoll(ip: string): boolean {
  const last = polls.get(ip)
  const now = Date.now()
  polls.set(ip, now)
  return last !== undefined && now - last < EARLY_POLL_MS
}

/** Makes changes, and waits until the controller has accepted all of them. */
async function deliver(limitMs: number, make: () => Promise<void>): Promise<Delivery> {
  const before = tally.counts()
  tally.takeEndDelays()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await make()
  const endedMs = performance.now() - start
  const isTaken = await until(() => tally.accepted === tally.made, limitMs - endedMs)
  const { user, system } = process.cpuUsage(cpu)
  return {
    takenMs: isTaken ? performance.now() - start : null,
    endedMs,
    before,
    after: tally.counts(),
    delays: tally.takeEndDelays(),
    simulatorCpuMs: (user + system) / 1000,
  }
}

async function trickle({
  runsPerSecond,
  seconds,
}: {
  runsPerSecond: number
  seconds: number
}): Promise<number> {
  const all = [...daemons.values()]
  const count = runsPerSecond * seconds
  for (let n = 0; n < count; n++) {
    const daemon = all[n % all.length]
    if (daemon) runNext(daemon, Math.floor(n / all.length))
    await sleep(1000 / runsPerSecond)
  }
  return count
}

async function until(isTrue: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs
  while (performance.now() < deadline) {
    if (isTrue()) return true
    await sleep(LOOK_EVERY_MS)
  }
  return isTrue()
}
