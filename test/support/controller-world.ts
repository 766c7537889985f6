import { onTestFinished } from 'vitest'
import { type ControllerInput, closeWorld, createWorld } from '../../src/domain/controller.ts'
import { takeInventory } from '../../src/domain/inventory.ts'
import type { World } from '../../src/domain/world.ts'
import type { Log } from '../../src/lib/log.ts'
import type { Inventory, InventoryProc, InventorySchedule } from '../../src/wire/inventory.ts'
import { memoryDaemons } from './memory-daemons.ts'
import { openIn, tempFolder } from './temp-catalog.ts'

/** A clock that only a test moves. */
export function handClock(at = '2026-11-23T09:00:00Z') {
  let now = Date.parse(at)
  return {
    now: () => now,
    move(ms: number) {
      now += ms
    },
  }
}

/** A log that keeps what it is told. */
export function keepingLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const keep = (_facts: object, message: string) => void lines.push(message)
  return { lines, info: keep, warn: keep, error: keep }
}

/** A controller without HTTP: the real catalog, daemons in memory, a clock moved by hand. */
export async function testWorld(
  folder?: string,
  clocks: Partial<Pick<ControllerInput, 'clock' | 'trustedClock'>> = {},
) {
  const dataDir = folder ?? (await tempFolder())
  const clock = handClock()
  const log = keepingLog()
  const catalog = await openIn(dataDir, clock)
  const daemons = memoryDaemons()
  const memory: { inventory: Inventory | undefined } = { inventory: undefined }
  const inventoryMemory = {
    load: async () => memory.inventory,
    async save(inventory: Inventory) {
      memory.inventory = inventory
    },
  }
  const open = () =>
    createWorld({
      ports: { ...catalog, daemon: daemons, inventoryMemory },
      clock,
      ...clocks,
      log,
      settings: {
        advertise: 'http://10.0.0.9:9002',
        volumeRoot: '/data/lain/volumes',
        keepRecordsMs: 400 * 86_400_000,
        identity: catalog.identity,
        newsFrom: () => [],
        takesOver: () => false,
      },
    })
  const world = await open()
  onTestFinished(async () => {
    await closeWorld(world)
    await catalog.close()
  })
  /** Takes an inventory and waits until every daemon was talked to. */
  const take = async (inventory: Inventory) => {
    await takeInventory(world, { kind: 'inventory', inventory })
    await world.background.settled()
  }
  return { world, daemons, clock, log, catalog, take, memory, reopen: open }
}

export type TestWorld = Awaited<ReturnType<typeof testWorld>>

export function schedule(changes: Partial<InventorySchedule> = {}): InventorySchedule {
  return { mode: 'full', spec: '0 5 * * *', expire: '30d', preRun: '', postRun: '', ...changes }
}

/** hello.web.web with one instance on each server, each with the same volumes. */
export function helloInventory(servers: string[], volumes: string[] = ['/data/db']): Inventory {
  const instances = servers.map((server, at) => ({
    no: at + 1,
    server,
    containers: [`c${at + 1}`],
    volumes: volumes.map((name) => ({ name, path: null, schedules: [schedule()] })),
  }))
  const proc: InventoryProc = { name: 'hello.web.web', shortName: 'web', instances }
  return { apps: [{ name: 'hello', procs: [proc] }] }
}

export function jobIdsOf(world: World): string[] {
  return [...world.inventory.plan.jobs.keys()]
}
