import { expect, test } from 'vitest'
import { createMeters, openMetricsPage } from '../../src/controller/metrics-route.ts'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { acknowledgeAlarm } from '../../src/domain/alarms.ts'
import { tick } from '../../src/domain/controller.ts'
import { stopScheduler } from '../../src/domain/schedulers.ts'
import type { World } from '../../src/domain/world.ts'
import { printPage } from '../../src/metrics/metrics-page.ts'
import { asAdmin } from '../support/callers.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { compareWithDocs, readMetrics, valuesOf } from '../support/metrics-page.ts'
import { runPromtool, testWithPromtool } from '../support/promtool.ts'

const IP = '10.0.0.1'
const DAY = 86_400_000
const HEALTH = 'backupd_volume_health'
const LAST_GOOD = 'backupd_volume_last_good_timestamp_seconds'
const INTERVAL = 'backupd_volume_expected_interval_seconds'
const hello = given.app('hello').proc('web').on(IP)

function startDaily() {
  const described = hello.volume('/data/db').schedule({ spec: '0 5 * * *' })
  return described.daemon(IP, { timeZone: 'UTC' }).inMemory()
}

async function look(world: World): Promise<void> {
  tick(world)
  await world.background.settled()
}

async function print(world: World): Promise<string> {
  const page = await openMetricsPage(world, { meters: createMeters(), version: '1.2.3' })
  return (await Array.fromAsync(printPage(page))).join('')
}

async function read(world: World) {
  return readMetrics(await print(world))
}

function statesOf(samples: Awaited<ReturnType<typeof read>>, name: string): (string | undefined)[] {
  return samples.filter((sample) => sample.name === name).map(({ labels }) => labels.state)
}

test('a volume without a good backup has the time 0, and all states that hold', async () => {
  const { world, clock } = await startDaily()
  await look(world)
  const first = await read(world)
  expect(valuesOf(first, LAST_GOOD, { mode: 'full', volume: '/data/db' })).toEqual([0])
  expect(statesOf(first, HEALTH)).toEqual(['UNKNOWN'])
  clock.move(DAY)
  await look(world)
  const second = await read(world)
  expect(statesOf(second, HEALTH)).toEqual(['NEVER', 'OVERDUE'])
  expect(valuesOf(second, 'backupd_volumes', { state: 'NEVER' })).toEqual([1])
  expect(valuesOf(second, 'backupd_volumes', { state: 'OVERDUE' })).toEqual([0])
})

test('each mode has its own time and interval', async () => {
  const { world } = await hello
    .volume('/data/db')
    .schedule({ spec: '0 5 * * 0' })
    .schedule({ spec: '@every 1h', mode: 'increment' })
    .inMemory()
  await look(world)
  const samples = await read(world)
  expect(valuesOf(samples, INTERVAL, { mode: 'full' })).toEqual([7 * 86_400])
  expect(valuesOf(samples, INTERVAL, { mode: 'increment' })).toEqual([3600])
  expect(valuesOf(samples, LAST_GOOD)).toHaveLength(2)
})

test('a paused job is expected at no time', async () => {
  const { world } = await startDaily()
  await look(world)
  expect(valuesOf(await read(world), INTERVAL)).toEqual([86_400])
  await stopScheduler(world, IP)
  await look(world)
  expect(valuesOf(await read(world), INTERVAL)).toEqual([])
})

test('nothing is left of a volume that leaves the inventory', async () => {
  const both = hello.volume('/data/db').schedule({ spec: '0 5 * * *' }).volume('/data/log')
  const { world, take } = await both.schedule({ spec: '0 5 * * *' }).inMemory()
  await look(world)
  expect(valuesOf(await read(world), HEALTH)).toHaveLength(2)
  await take(hello.volume('/data/log').schedule({ spec: '0 5 * * *' }).inventory())
  await look(world)
  const volumes = (await read(world)).flatMap(({ labels }) => labels.volume ?? [])
  expect(new Set(volumes)).toEqual(new Set(['/data/log']))
})

test('an instance that is on two servers while its proc moves has series of its own on each', async () => {
  const { world, take } = await hello.on(IP, '10.0.0.2').volume('/data/db').inMemory()
  const inventory = structuredClone(world.inventory.plan.inventory)
  for (const { instances } of inventory.apps.flatMap(({ procs }) => procs))
    for (const instance of instances) instance.no = 1
  await take(inventory)
  await look(world)
  const series = (await print(world)).split('\n').filter((line) => line.includes('/data/db'))
  const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(new Set(names).size).toBe(series.length)
  expect(names.filter((name) => name.startsWith(LAST_GOOD))).toHaveLength(2)
})

test('a scrape asks no daemon, also not one that is down', async () => {
  const { world, daemons } = await startDaily()
  await look(world)
  daemons.at(IP).down = true
  const asked = daemons.at(IP).asked.length
  const samples = await read(world)
  expect(daemons.at(IP).asked).toHaveLength(asked)
  expect(
    valuesOf(samples, 'backupd_server_last_answer_timestamp_seconds', { server: IP })[0],
  ).toBeGreaterThan(0)
})

test('runs that have not ended are counted by state', async () => {
  const { world } = await startDaily()
  const record = sampleRecord({ rid: ridOf(1), server: IP, state: 'running', end: null })
  const news = { protocol: 2 as const, daemonId: 'x', server: IP, records: [record], running: [record.rid] }
  await acceptNews(world, news, { from: IP })
  const samples = await read(world)
  expect(valuesOf(samples, 'backupd_unfinished_runs', { state: 'running' })).toEqual([1])
  expect(valuesOf(samples, 'backupd_unfinished_runs', { state: 'queued' })).toEqual([0])
})

test('a silent server and a broken inventory are states', async () => {
  const { world, daemons, clock } = await startDaily()
  await look(world)
  daemons.at(IP).down = true
  for (let n = 0; n < 5; n++) {
    clock.move(60_000)
    await look(world)
  }
  world.inventory.problem = 'line 3: expected a name'
  const samples = await read(world)
  expect(statesOf(samples, 'backupd_server_health')).toContain('SILENT')
  expect(statesOf(samples, 'backupd_controller_health')).toContain('INVENTORY_BROKEN')
})

test('open alarms are counted by severity, and whether somebody takes care', async () => {
  const { world, daemons, clock } = await startDaily()
  await look(world)
  daemons.at(IP).down = true
  for (let n = 0; n < 5; n++) {
    clock.move(60_000)
    await look(world)
  }
  const count = async () => {
    const samples = await read(world)
    return ['false', 'true'].flatMap((acknowledged) =>
      valuesOf(samples, 'backupd_open_alarms', { severity: 'CRITICAL', acknowledged }),
    )
  }
  expect(await count()).toEqual([1, 0])
  const alarm = world.alarms.book.list().find(({ kind }) => kind === 'SILENT')
  await acknowledgeAlarm(asAdmin(world), {
    ...{ id: alarm?.id ?? '', until: clock.now() + DAY, why: 'New disk is on its way' },
  })
  expect(await count()).toEqual([0, 1])
  const all = (await read(world)).filter(({ name }) => name === 'backupd_open_alarms')
  expect(all).toHaveLength(6)
})

test('docs/metrics.md names exactly the metrics of the page', async () => {
  const { world } = await startDaily()
  const { served, documented } = compareWithDocs(await print(world), "The controller's page")
  expect(served.size).toBeGreaterThan(15)
  expect(served).toEqual(documented)
})

testWithPromtool('promtool finds nothing to complain about, whatever volumes are called', async () => {
  const described = hello.volume('/data/a "quoted\\" } 1').schedule({ spec: '0 5 * * *' })
  const { world } = await described.daemon(IP, { timeZone: 'UTC' }).inMemory()
  await look(world)
  const text = await print(world)
  expect(readMetrics(text).flatMap(({ labels }) => labels.volume ?? [])).toContain('/data/a "quoted\\" } 1')
  expect(runPromtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' })
})
