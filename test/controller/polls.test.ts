import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { POLL_EVERY_MS } from '../../src/domain/servers.ts'
import { JobsDocument, SleepJobDocument } from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import { handClock } from '../support/hand-clock.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const IP = '127.0.0.1'
const PATIENCE = { timeout: 30_000, interval: 50 }
const hello = given.app('hello').proc('web').on(IP)

/** Passes requests on, and notes which. */
async function countingProxy(target: string) {
  const seen: string[] = []
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url?.split('?')[0]}`)
    const { method, headers } = incoming
    const passed = request(`${target}${incoming.url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, IP, resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const count = (what: string) => seen.filter((each) => each === what).length
  return { url: `http://${IP}:${(server.address() as AddressInfo).port}`, count }
}

test('a real daemon is asked for its list only when it was sent one; polls bring the changes', async () => {
  const folder = await testFolder()
  const clock = handClock()
  const daemon = await startTestDaemon(folder)
  const { url, count } = await countingProxy(daemon.url)
  const inventory = toldInventory(hello.volume('/data/db').inventory())
  const { execute } = await startTestController({ folder, clock, inventory, daemonUrls: { [IP]: url } })
  const lists = () => count('GET /api/v1/cron/jobs')
  const polls = () => count('GET /api/v1/debug')
  const jobs = async () => (await execute(JobsDocument, { filter: { action: 'backup' } })).jobs
  await expect.poll(async () => (await jobs())[0]?.nextRun, PATIENCE).toEqual(expect.any(String))
  for (let round = 0; round < 3; round++) {
    const before = polls()
    clock.move(POLL_EVERY_MS)
    await expect.poll(polls, PATIENCE).toBeGreaterThan(before)
  }
  const [id = ''] = (await jobs()).map((job) => job.id)
  expect(await execute(SleepJobDocument, { id })).toMatchObject({ sleepJob: { asleep: true } })
  expect([lists(), count('PUT /api/v1/cron/jobs')]).toEqual([1, 1])
  inventory.tell({ kind: 'inventory', inventory: hello.volumes('/data/db', '/data/files').inventory() })
  const nextRuns = async () => (await jobs()).map(({ nextRun }) => nextRun !== null)
  await expect.poll(nextRuns, PATIENCE).toEqual([false, true])
  expect([lists(), count('PUT /api/v1/cron/jobs')]).toEqual([2, 2])
})

test('the first edit after a start asks no daemon whose jobs it leaves as they are', async () => {
  const folder = await testFolder()
  const daemon = await startTestDaemon(folder)
  const [edited, other] = [await countingProxy('http://127.0.0.9:1'), await countingProxy(daemon.url)]
  const here = hello.volume('/data/db').inventory()
  const there = given.app('shop').proc('web').on('127.0.0.9').volume('/data/db').inventory()
  const inventory = toldInventory(here)
  const daemonUrls = { [IP]: other.url, '127.0.0.9': edited.url }
  const { execute } = await startTestController({ folder, clock: handClock(), inventory, daemonUrls })
  const jobs = async () => (await execute(JobsDocument, { filter: { action: 'backup' } })).jobs
  await expect.poll(async () => (await jobs())[0]?.nextRun, PATIENCE).toEqual(expect.any(String))
  const before = other.count('GET /api/v1/debug')
  inventory.tell({ kind: 'inventory', inventory: { apps: [...here.apps, ...there.apps] } })
  await expect.poll(() => edited.count('GET /api/v1/debug'), PATIENCE).toBeGreaterThan(0)
  expect(other.count('GET /api/v1/debug')).toBe(before)
})
