/**
 * A scrape of the controller's `/metrics`: `node bench/metrics.ts [VOLUMES]`, 5,000 by default. One controller in this
 * process, without HTTP: the real catalog, no daemons. The volumes have a daily full backup, and in a second round hourly
 * increments too.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { openCatalog } from '../src/catalog/catalog.ts'
import { createMeters, openMetricsPage } from '../src/controller/metrics-route.ts'
import { closeWorld, createWorld, tick } from '../src/domain/controller.ts'
import { acceptInventory } from '../src/domain/inventory.ts'
import type { World } from '../src/domain/world.ts'
import { createMailClient } from '../src/fleet/mail-client.ts'
import { createWebhookClient } from '../src/fleet/webhook-client.ts'
import { isoTime } from '../src/lib/clock.ts'
import { printPage } from '../src/metrics/metrics-page.ts'
import type { Inventory } from '../src/wire/inventory.ts'
import { handClock } from '../test/support/hand-clock.ts'
import { memoryDaemons } from '../test/support/memory-daemons.ts'
import { silentLog } from '../test/support/silent-log.ts'

const VOLUMES = Number(process.argv[2] ?? 5000)
const PER_SERVER = 50
const SCRAPES = 100
const MIB = 2 ** 20
const loop = monitorEventLoopDelay({ resolution: 1 })
const meters = createMeters()

function makeInventory(hasIncrements: boolean): Inventory {
  const schedule = { expire: '30d', preRun: '', postRun: '' }
  const apps = Array.from({ length: VOLUMES / PER_SERVER }, (_, n) => {
    const server = `10.0.${n >> 8}.${n & 255}`
    const volumes = Array.from({ length: PER_SERVER }, (_volume, v) => {
      const full = { ...schedule, mode: 'full' as const, spec: `${v} ${n % 24} * * *` }
      const increment = { ...schedule, mode: 'increment' as const, spec: `${v} * * * *` }
      return { name: `/data/${v}`, path: null, schedules: hasIncrements ? [full, increment] : [full] }
    })
    const instances = [{ no: 1, server, containers: [], volumes }]
    return { name: `app${n}`, procs: [{ name: `app${n}.web.web`, shortName: 'web', instances }] }
  })
  return { apps }
}

/** Encodes each piece as a socket does, and keeps none. */
async function scrape(world: World): Promise<number> {
  const page = await openMetricsPage(world, { meters, version: 'bench' })
  let bytes = 0
  for await (const piece of printPage(page)) bytes += Buffer.from(piece).length
  return bytes
}

/** What a page weighs. */
async function weigh(world: World): Promise<void> {
  const pieces = await Array.fromAsync(printPage(await openMetricsPage(world, { meters, version: 'bench' })))
  const text = pieces.join('')
  report('MiB', Buffer.byteLength(text) / MIB, 'under 3')
  report('MiB with gzip', gzipSync(text, { level: 1 }).length / MIB)
  report('samples', text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length)
}

function report(what: string, value: number, target = ''): void {
  console.log(`${what.padEnd(50)} ${value.toFixed(2).padStart(9)}  ${target}`)
}

async function measureScrapes(world: World): Promise<void> {
  const begin = performance.now()
  await scrape(world)
  report('the first scrape: ms', performance.now() - begin)
  for (let n = 0; n < 20; n++) await scrape(world)
  loop.reset()
  loop.enable()
  const before = process.cpuUsage()
  const times: number[] = []
  for (let n = 0; n < SCRAPES; n++) {
    const start = performance.now()
    await scrape(world)
    times.push(performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  loop.disable()
  const { user, system } = process.cpuUsage(before)
  report('processor time: ms', (user + system) / 1000 / SCRAPES, 'under 50')
  times.sort((one, other) => one - other)
  report('median: ms', times[SCRAPES / 2] ?? Number.NaN)
  report('p95: ms', times[SCRAPES * 0.95] ?? Number.NaN, 'under 50')
  report('the longest delay of the event loop: ms', loop.max / 1e6, 'under 50')
  await weigh(world)
}

async function measure(hasIncrements: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-metrics-'))
  const clock = handClock(isoTime(Date.parse('2026-11-23T10:00:00Z')))
  const catalog = await openCatalog({
    dataDir: folder,
    copyDir: join(folder, 'copies'),
    log: silentLog,
    clock,
  })
  const settings = {
    advertise: 'http://10.0.0.9:9002',
    identity: catalog.identity,
    volumeRoot: '/data/lain/volumes',
    keepRecordsMs: 400 * 86_400_000,
    overdueGraceMs: 600_000,
    newsFrom: () => [],
    takesOver: () => false,
  }
  const inventoryMemory = { load: async () => undefined, save: async () => {} }
  const senders = { webhooks: createWebhookClient(), mail: createMailClient() }
  const ports = { ...catalog, daemon: memoryDaemons(), inventoryMemory, ...senders }
  const world = await createWorld({ ports, clock, log: silentLog, settings })
  await acceptInventory(world, { kind: 'inventory', inventory: makeInventory(hasIncrements) })
  tick(world)
  await world.background.settled()
  console.log(`\n${VOLUMES} volumes with ${hasIncrements ? 'two schedules' : 'one schedule'} each`)
  await measureScrapes(world)
  await closeWorld(world)
  await catalog.close()
  rmSync(folder, { recursive: true, force: true })
}

await measure(false)
await measure(true)
