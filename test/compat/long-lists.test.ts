import { type DocumentNode, print, visit } from 'graphql'
import { expect, test } from 'vitest'
import * as operations from '../../src/client/generated/operations.ts'
import { listLegacyJobs, toLegacyJob, toScheduledJob } from '../../src/rest-compat/legacy/job.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { given } from '../support/given.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

async function start(inventory: Inventory) {
  const { url, execute } = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(inventory),
  })
  const read = async (path: string) => {
    const response = await fetch(url + path)
    return {
      text: await response.text(),
      type: response.headers.get('content-type'),
      isInPieces: response.headers.get('transfer-encoding') === 'chunked',
      warnings: response.headers.get('warning')?.split(', ').length,
    }
  }
  const jobsOf = async (ip: string) =>
    listLegacyJobs((await execute(operations.LegacyServerJobsDocument, { ip })).server?.jobs ?? [])
  return { read, jobsOf }
}

const SERVERS = ['10.0.0.0', '10.0.0.1']
const JSON_TYPE = 'application/json; charset=UTF-8'

test.each([
  ['short', 2, false],
  ['long', 400, true],
])('a %s list of all jobs is the same JSON, in pieces only if it is long', async (_, volumes, isInPieces) => {
  const { read, jobsOf } = await start(bigInventory({ apps: 2, instances: 2, volumes, servers: 2 }))
  const all: Record<string, unknown[]> = {}
  for (const ip of SERVERS) all[ip] = (await jobsOf(ip)).map(toLegacyJob)
  const answer = { type: JSON_TYPE, isInPieces, warnings: 2 }
  for (const path of ['/api/v1/cron/jobs/all', '/api/v2/system/cron/jobs'])
    expect(await read(path)).toEqual({ ...answer, text: JSON.stringify(all) })
  const ofOne = JSON.stringify(all['10.0.0.0'])
  expect(await read('/api/v2/server/10.0.0.0/cron/jobs')).toEqual({ ...answer, warnings: 1, text: ofOne })
})

test('the long list of the jobs of an app is the same JSON, in pieces', async () => {
  const { read, jobsOf } = await start(bigInventory({ apps: 2, instances: 2, volumes: 400, servers: 2 }))
  const jobs = (await Promise.all(SERVERS.map(jobsOf))).flat()
  const ofApp = jobs.filter(({ args }) => (args as { app?: string }).app === 'app1')
  expect(ofApp).toHaveLength(800)
  const text = JSON.stringify(ofApp.map((job) => toScheduledJob({ ...job, prevRun: null, nextRun: null })))
  expect(await read('/api/v2/app/app1/cron/jobs')).toMatchObject({ text, type: JSON_TYPE, isInPieces: true })
  const some = JSON.parse((await read('/api/v2/app/app1/cron/jobs?args_volume=/data/7')).text)
  expect(some).toHaveLength(2)
})

test('the jobs of an app are sorted by the addresses of their servers; the expire jobs of all are an app, too', async () => {
  const inventory = given
    .app('hello')
    .proc('web')
    .on('10.0.0.10', '10.0.0.9', '9.0.0.1')
    .volumes('/data/b', '/data/a')
    .inventory()
  const { read, jobsOf } = await start(inventory)
  const jobs = (await Promise.all(['9.0.0.1', '10.0.0.9', '10.0.0.10'].map(jobsOf))).flat()
  const printOf = (action: string) =>
    JSON.stringify(
      jobs
        .filter((job) => job.action === action)
        .map((job) => toScheduledJob({ ...job, prevRun: null, nextRun: null })),
    )
  expect(await read('/api/v1/cron/jobs/app/hello')).toMatchObject({ text: printOf('backup'), warnings: 3 })
  expect((await read('/api/v1/cron/jobs/app/backupctl')).text).toBe(printOf('backup_expire'))
  expect((await read('/api/v1/cron/jobs/app/hello?action=backup_expire')).text).toBe('[]')
  expect((await read('/api/v1/cron/jobs/app/unknown')).text).toBe('[]')
})

test('no URL reads the jobs of more than one server at a time', () => {
  const documents = Object.values(operations).filter((one) => 'definitions' in one) as DocumentNode[]
  let found = 0
  for (const document of documents)
    visit(document, {
      Field(field) {
        const [filter] = field.arguments ?? []
        if (field.name.value !== 'jobs' || !filter) return
        found += 1
        expect(print(filter)).toContain('server: $server')
      },
    })
  expect(found).toBeGreaterThan(0)
})

test('a fleet without jobs is an empty object', async () => {
  const { read } = await start({ apps: [] })
  expect(await read('/api/v1/cron/jobs/all')).toMatchObject({
    text: '{}',
    type: JSON_TYPE,
    isInPieces: false,
  })
})

test('the header names only so many silent daemons that every client reads it', async () => {
  const { read } = await start(bigInventory({ apps: 1, instances: 300, volumes: 1, servers: 300 }))
  expect(await read('/api/v1/cron/jobs/all')).toMatchObject({ warnings: 51 })
})
