import { expect, test } from 'vitest'
import { LegacyServerJobsDocument } from '../../src/client/generated/operations.ts'
import { toLegacyJob, toScheduledJob } from '../../src/rest-compat/legacy/job.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { bigInventory } from '../support/big-inventory.ts'
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
  const jobsOf = async (ip: string) => (await execute(LegacyServerJobsDocument, { ip })).server?.jobs ?? []
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
