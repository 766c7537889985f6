import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { compareWithDocs, scrape, valuesOf } from '../support/metrics-page.ts'
import { runPromtool, testWithPromtool } from '../support/promtool.ts'

let daemon: StartedDaemon

beforeAll(async () => {
  daemon = await startTestDaemon()
})

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
})

test('docs/metrics.md names exactly the metrics of the page', async () => {
  const { text, type } = await scrape(daemon.url)
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
  const { served, documented } = compareWithDocs(text, "A daemon's page")
  expect(served.size).toBeGreaterThan(10)
  expect(served).toEqual(documented)
})

testWithPromtool('promtool finds nothing to complain about', async () => {
  const { text } = await scrape(daemon.url)
  expect(runPromtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' })
})

test('the schedule and the jobs are measured', async () => {
  const job = { id: 'a', spec: '0 6 * * *', action: 'test', args: {} }
  const form = { data: JSON.stringify([job, { ...job, id: 'b', sleep: true }]), version: 'v1' }
  expect(await daemon.ask('PUT', '/api/v1/cron/jobs', { form })).toMatchObject({ status: 200 })
  await daemon.ask('POST', '/api/v1/cron/jobs/b/actions/sleep')
  expect(await daemon.ask('PUT', '/api/v1/cron/start')).toMatchObject({ status: 201 })
  const started = (await scrape(daemon.url)).samples
  expect(valuesOf(started, 'backupd_daemon_jobs', { state: 'awake' })).toEqual([1])
  expect(valuesOf(started, 'backupd_daemon_jobs', { state: 'asleep' })).toEqual([1])
  expect(valuesOf(started, 'backupd_daemon_ready')).toEqual([1])
  expect(valuesOf(started, 'backupd_daemon_scheduler_running')).toEqual([1])
  await daemon.ask('PUT', '/api/v1/cron/stop')
  const { samples } = await scrape(daemon.url)
  expect(valuesOf(samples, 'backupd_daemon_scheduler_running')).toEqual([0])
})

test('news that an address does not take waits there, without its password', async () => {
  const addr = 'http://me:secret@127.0.0.1:1/news'
  expect(await daemon.ask('PUT', '/api/v1/notify', { form: { addr, protocol: '2' } })).toMatchObject({
    status: 200,
  })
  const job = { id: 'c', spec: '0 6 * * *', action: 'test', args: {} }
  const form = { data: JSON.stringify([job]), version: 'v2' }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form })
  const { rid } = (await daemon.ask('POST', '/api/v1/cron/once/c')).body as { rid: string }
  await daemon.ended(rid)
  const { text, samples } = await scrape(daemon.url)
  expect(valuesOf(samples, 'backupd_daemon_news_waiting_seconds')).toEqual([expect.any(Number)])
  expect(text).not.toContain('secret')
  expect(valuesOf(samples, 'backupd_daemon_run_duration_seconds_count', { action: 'other' })).toEqual([1])
})
