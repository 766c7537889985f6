/** What `health.ts` measures. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { graphql } from 'graphql'
import { openCatalog } from '../src/catalog/catalog.ts'
import { makeCaller, OWN_PROCESS } from '../src/domain/access/principal.ts'
import { closeWorld, createWorld, tick } from '../src/domain/controller.ts'
import { acceptInventory } from '../src/domain/inventory.ts'
import type { PlannedJob } from '../src/domain/plan.ts'
import { asCaller } from '../src/domain/user-world.ts'
import type { World } from '../src/domain/world.ts'
import { createMailClient } from '../src/fleet/mail-client.ts'
import { createWebhookClient } from '../src/fleet/webhook-client.ts'
import { isoTime } from '../src/lib/clock.ts'
import { createLoaders } from '../src/resolvers/loaders.ts'
import { createSchema } from '../src/resolvers/schema.ts'
import type { Inventory } from '../src/wire/inventory.ts'
import type { RunRecord } from '../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../test/support/catalog-samples.ts'
import { handClock } from '../test/support/hand-clock.ts'
import { memoryDaemons } from '../test/support/memory-daemons.ts'
import { silentLog } from '../test/support/silent-log.ts'

const VOLUMES = Number(process.argv[2] ?? 5000)
const RECORDS = Number(process.argv[3] ?? 200_000)
const PER_SERVER = 50
const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.parse('2026-11-23T10:00:00Z')

const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-health-'))
const clock = handClock(isoTime(START))
const loop = monitorEventLoopDelay({ resolution: 5 })
const schema = createSchema()

const PAGE = `{ volumes(order: WORST_FIRST, first: 50) { nodes { app proc name health { state states because since } } } }`
const WHOLE =
  '{ health { summary state volumes counts { state volumes } servers { state servers } controller { state because } } }'
const DAYS = '{ volumes(first: 1) { nodes { days(n: 30) { date good partial failed missed expected } } } }'

function makeInventory(): Inventory {
  const schedule = { expire: '30d', preRun: '', postRun: '' }
  const apps = Array.from({ length: VOLUMES / PER_SERVER }, (_, n) => {
    const server = `10.0.${n >> 8}.${n & 255}`
    const volumes = Array.from({ length: PER_SERVER }, (_volume, v) => ({
      name: `/data/${v}`,
      path: null,
      schedules: [
        { ...schedule, mode: 'full' as const, spec: `${v} ${n % 24} * * *` },
        { ...schedule, mode: 'increment' as const, spec: `${v} * * * *` },
      ],
    }))
    const instances = [{ no: 1, server, containers: [], volumes }]
    return { name: `app${n}`, procs: [{ name: `app${n}.web.web`, shortName: 'web', instances }] }
  })
  return { apps }
}

function makeRun({ id, server, job }: PlannedJob, n: number, at: number): RunRecord {
  const { spec, action, args } = job
  const mode = args.mode === 'increment' ? 'increment' : 'full'
  const info = { server, source: String(args.path), mode, created: isoTime(at), sequence: n } as const
  const backup = sampleBackup({
    ...info,
    name: `${args.archive}-${mode === 'full' ? n : 'series'}`,
    rid: ridOf(n),
  })
  const state = n % 500 === 0 ? 'failed' : 'success'
  const result = state === 'success' ? { backup } : null
  const times = { start: isoTime(at - 60_000), end: isoTime(at) }
  return sampleRecord({ rid: ridOf(n), jobId: id, server, spec, action, args, state, result, ...times })
}

function report(what: string, ms: number, target = ''): void {
  console.log(`${what.padEnd(74)} ${ms.toFixed(2).padStart(9)} ms  ${target}`)
}

function reportStall(): void {
  report('  delay of the event loop: longest', loop.max / 1e6, 'at most 50')
}

/** Measures one piece of work and what it does to the event loop. */
async function measure(what: string, work: () => Promise<unknown>, target = ''): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  loop.reset()
  loop.enable()
  const begin = performance.now()
  await work()
  report(what, performance.now() - begin, target)
  await new Promise((resolve) => setTimeout(resolve, 50))
  loop.disable()
  reportStall()
}

async function ask(world: World, source: string): Promise<void> {
  const own = asCaller(world, makeCaller(OWN_PROCESS, 'bench'))
  const contextValue = { world: own, loaders: createLoaders(own) }
  const { errors } = await graphql({ schema, source, contextValue })
  if (errors) throw new Error(errors[0]?.message)
}

/** The slowest of a hundred, after some to warm up. */
async function measureQuery(world: World, what: string, source: string, target: string): Promise<void> {
  const times: number[] = []
  for (let n = 0; n < 120; n++) {
    const begin = performance.now()
    await ask(world, source)
    if (n >= 20) times.push(performance.now() - begin)
  }
  times.sort((one, other) => one - other)
  report(`${what}: median`, times[50] ?? Number.NaN)
  report(`${what}: p99`, times[98] ?? Number.NaN, target)
}

async function settle(world: World): Promise<void> {
  tick(world)
  await world.background.settled()
}

const catalog = await openCatalog({ dataDir: folder, copyDir: join(folder, 'copies'), log: silentLog, clock })
const memory = { load: async () => undefined, save: async () => {} }
const settings = {
  advertise: 'http://10.0.0.9:9002',
  identity: catalog.identity,
  volumeRoot: '/data/lain/volumes',
  keepRecordsMs: 400 * DAY,
  overdueGraceMs: 600_000,
  newsFrom: () => [],
  takesOver: () => false,
}
const ports = {
  ...catalog,
  daemon: memoryDaemons(),
  inventoryMemory: memory,
  webhooks: createWebhookClient(),
  mail: createMailClient(),
}
const open = () => createWorld({ ports, clock, log: silentLog, settings, random: () => 1 })
const first = await open()
const inventory = makeInventory()
await acceptInventory(first, { kind: 'inventory', inventory })
await settle(first)
const jobs = first.inventory.plan.jobs.filter(({ volume }) => volume !== null)
console.log(`${VOLUMES} volumes, ${jobs.length} jobs, ${RECORDS} records`)
for (let n = 0; n < RECORDS; n += 500) {
  const runs = Array.from({ length: Math.min(500, RECORDS - n) }, (_, at) => {
    const number = n + at + 1
    const age = (RECORDS - number) * (HOUR / jobs.length)
    return makeRun(jobs[number % jobs.length] as PlannedJob, number, START - age)
  })
  await catalog.records.apply(runs)
}
await closeWorld(first)

const world = await open()
await acceptInventory(world, { kind: 'inventory', inventory })
await measure('a start: until every volume is judged', () => settle(world))
await measureQuery(world, 'volumes(order: WORST_FIRST, first: 50) with their health', PAGE, 'under 50')
await measureQuery(world, 'health: the sentence and the counts', WHOLE, 'under 50')
await measureQuery(world, 'days(n: 30) of one volume', DAYS, '')

const runs = Array.from({ length: 10_000 }, (_, n) =>
  makeRun(jobs[n % jobs.length] as PlannedJob, RECORDS + n + 1, START + n),
)
const begin = performance.now()
for (const run of runs) world.health.noteRun(run)
report('one run that ended: judged in', (performance.now() - begin) / runs.length)

clock.move(3 * DAY)
await measure('all daemons silent for three days: until every volume is overdue', () => settle(world))
await measureQuery(world, 'volumes(order: WORST_FIRST, first: 50) with all of them overdue', PAGE, 'under 50')
await closeWorld(world)
await catalog.close()
rmSync(folder, { recursive: true, force: true })
