import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { scrape, valuesOf } from '../support/metrics-page.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const IP = '127.0.0.1'
const TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const LAST_GOOD = 'backupd_volume_last_good_timestamp_seconds'
/** A name as only an attacker chooses it. */
const VOLUME = '/data/a "quoted\\" } 1'

/** A controller and a daemon after the first backup. */
async function startBoth() {
  const folder = await testFolder()
  mkdirSync(join(folder, 'volumes/hello/hello.web.web/1', VOLUME), { recursive: true })
  const daemon = await startTestDaemon(folder)
  const hello = given.app('hello').proc('web').on(IP).volume(VOLUME).schedule({ spec: '@every 5s' })
  const inventory = toldInventory(hello.inventory())
  const controller = await startTestController({ folder, inventory, daemonUrls: { [IP]: daemon.url } })
  const isGood = async () => (valuesOf((await scrape(controller.url)).samples, LAST_GOOD)[0] ?? 0) > 0
  await expect.poll(isGood, { timeout: 150_000, interval: 1000 }).toBe(true)
  return { daemon, controller }
}

test('both programs measure a volume that is backed up', async () => {
  const before = Math.floor(Date.now() / 1000)
  const { controller, daemon } = await startBoth()
  const { type, encoding, samples } = await scrape(controller.url)
  expect([type, encoding]).toEqual([TYPE, 'gzip'])
  const ended = { action: 'backup', mode: 'full', state: 'success' }
  const volume = { app: 'hello', proc: 'hello.web.web', instance_no: '1', volume: VOLUME }
  expect(valuesOf(samples, 'backupd_volume_health', { ...volume, server: IP, state: 'OK' })).toEqual([1])
  expect(valuesOf(samples, LAST_GOOD, { ...volume, mode: 'full' })[0]).toBeGreaterThanOrEqual(before)
  expect(valuesOf(samples, 'backupd_run_duration_seconds_count', ended)[0]).toBeGreaterThan(0)
  expect(valuesOf(samples, 'backupd_run_stored_bytes_total', { mode: 'full' })[0]).toBeGreaterThan(0)
  expect(valuesOf(samples, 'backupd_news_delay_seconds_count')[0]).toBeGreaterThan(0)
  expect(valuesOf(samples, 'backupd_server_health', { server: IP })).toEqual([1])
  expect(valuesOf(samples, 'backupd_store_free_bytes', { server: IP })[0]).toBeGreaterThan(0)
  expect(valuesOf(samples, 'backupd_build_info', { program: 'controller', version: '1.2.3' })).toEqual([1])
  expect(valuesOf(samples, 'nodejs_eventloop_lag_p99_seconds')).toHaveLength(1)

  const ofDaemon = await scrape(daemon.url)
  const address = `${controller.url}/api/v2/system/notify`
  expect(ofDaemon.type).toBe(TYPE)
  const runs = valuesOf(ofDaemon.samples, 'backupd_daemon_run_duration_seconds_count', ended)
  expect(runs[0]).toBeGreaterThan(0)
  expect(valuesOf(ofDaemon.samples, 'backupd_daemon_news_waiting_seconds', { address })).toHaveLength(1)
}, 180_000)
