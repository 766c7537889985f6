import { setTimeout as sleep } from 'node:timers/promises'
import { type MeasuredDelivery, measureDelivery, startOverIfBehind } from '../measure-delivery.ts'
import { readResidentMib } from '../resident-memory.ts'
import type { Row } from '../row.ts'
import type { CatchUpOptions } from '../simulator/simulator.ts'
import type { World } from '../world.ts'

const LIMIT_MS = 60_000
/** Enough for the controller to be the limit. */
const [MAX_SENDERS, MAX_SENDERS_OF_LIVES] = [1000, 300]
const KIB = 1024

interface CatchUp {
  begins: MeasuredDelivery
  ends: MeasuredDelivery
  /** What the controller's main thread uses for each run that goes on, KiB; NaN if it did not take all of them. */
  kibOfRun: number
}

/**
 * Daemons send what they collected while the controller was away: first that runs began, then that all these ended. So
 * each change is written, and none is superseded by a later one in the same post.
 */
async function catchUp(world: World): Promise<CatchUp> {
  const { probe } = await world.controller()
  const used = await probe.usedBytes()
  const begins = await deliver(world, { senders: MAX_SENDERS, part: 'begins' })
  const runs = Math.min(MAX_SENDERS, world.options.servers) * world.options.jobs
  const kibOfRun = begins.takenMs === null ? Number.NaN : ((await probe.usedBytes()) - used) / runs / KIB
  const ends = await deliver(world, { senders: MAX_SENDERS, part: 'ends' })
  await startOverIfBehind(world, ends)
  return { begins, ends, kibOfRun }
}

/** Whole lives, as they are after an interruption: most of a post is superseded by the rest of it. */
async function catchUpLives(world: World): Promise<MeasuredDelivery> {
  const lives = await deliver(world, { senders: MAX_SENDERS_OF_LIVES, part: 'lives' })
  await startOverIfBehind(world, lives)
  return lives
}

function deliver(world: World, options: Omit<CatchUpOptions, 'limitMs'>): Promise<MeasuredDelivery> {
  return measureDelivery(world, () => world.simulator.catchUp({ ...options, limitMs: LIMIT_MS }))
}

export const catchUpRows: Row[] = [
  {
    name: 'catch-up',
    title: 'catching up in batches of 100: ends of runs written, per second',
    target: '3000',
    measure: async (world) => (await world.once(catchUp)).ends.writtenPerSecond,
  },
  {
    name: 'catch-up-cpu',
    title: '  CPU of the controller for each, ms',
    target: 'flat, 0.5 at most',
    digits: 2,
    measure: async (world) => (await world.once(catchUp)).ends.cpuMsEach,
  },
  {
    name: 'catch-up-begins',
    title: '  begins of runs written, per second',
    target: '3000',
    measure: async (world) => (await world.once(catchUp)).begins.writtenPerSecond,
  },
  {
    name: 'catch-up-begins-cpu',
    title: '  CPU of the controller for each, ms',
    target: 'flat, 0.5 at most',
    digits: 2,
    measure: async (world) => (await world.once(catchUp)).begins.cpuMsEach,
  },
  {
    name: 'run-memory',
    title: '  memory for each run that goes on, KiB',
    target: '',
    digits: 1,
    measure: async (world) => (await world.once(catchUp)).kibOfRun,
  },
  {
    name: 'catch-up-stall',
    title: '  delay of the event loop: longest, ms',
    target: '150',
    measure: async (world) => {
      const { begins, ends } = await world.once(catchUp)
      return Math.max(begins.loop.longest, ends.loop.longest)
    },
  },
  {
    name: 'lives',
    title: 'catching up with whole lives of runs: state changes taken, per second',
    target: '',
    measure: async (world) => (await world.once(catchUpLives)).perSecond,
  },
  {
    name: 'lives-written',
    title: '  written, per second',
    target: '',
    measure: async (world) => (await world.once(catchUpLives)).writtenPerSecond,
  },
  {
    name: 'busy-memory',
    title: 'resident memory after all that, MiB',
    target: '',
    measure: async (world) => {
      const controller = await world.controller()
      await sleep(5000)
      return readResidentMib(controller)
    },
  },
]
