import { expect, test } from 'vitest'
import { MAX_FILES } from '../../src/wire/daemon-api.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { askHttp } from '../support/daemon-http.ts'
import { given } from '../support/given.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'

const COUNT = 1100
const inventory = toldInventory(given.app('hello').proc('web').on('10.0.0.1').volume('/data/db').inventory())
const APP = '/api/v2/app/hello'

/** A controller that was told of 1,100 runs of this month, each with its backup. */
async function start() {
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  const monthStart = new Date(new Date().setUTCDate(1)).setUTCHours(0, 0, 0, 0)
  const records = Array.from({ length: COUNT }, (_, n) => {
    const time = new Date(monthStart + n).toISOString()
    const backup = sampleBackup({ name: nameOf(n), sequence: n, created: time, rid: ridOf(n) })
    return sampleRecord({
      rid: ridOf(n),
      state: 'success',
      start: time,
      end: time,
      result: { backup, file: nameOf(n) },
    })
  })
  for (const some of [records.slice(0, 1000), records.slice(1000)]) {
    const json = { protocol: 2, daemonId: 'd', server: '10.0.0.1', records: some, running: [] }
    expect(await askHttp(url, 'POST', '/api/v2/system/notify', { json })).toMatchObject({
      status: 200,
      body: 'OK',
    })
  }
  return async <T>(path: string) => (await askHttp(url, 'GET', `${APP}${path}`)).body as T[]
}

/** A controller that knows of one increment, on a daemon whose folders hold `count` files. */
async function startWithFiles(count: number) {
  const files = Array.from({ length: count }, (_, n) => fileAt(`d/${String(n).padStart(6, '0')}`))
  const daemon = await scriptedDaemon(({ query }) => {
    const page = files.slice(0, Number(new Map(query).get('limit')))
    return { body: { files: page, next: page.length < count ? (page.at(-1)?.path ?? null) : null } }
  })
  const daemonUrls = { '10.0.0.1': daemon.url }
  const { url } = await startTestController({ folder: await testFolder(), daemonUrls, inventory })
  const backup = sampleBackup({ name: 'NAME', mode: 'increment' })
  const records = [sampleRecord({ state: 'success', end: backup.created, result: { backup, file: 'NAME' } })]
  const json = { protocol: 2, daemonId: 'd', server: '10.0.0.1', records, running: [] }
  expect((await askHttp(url, 'POST', '/api/v2/system/notify', { json })).status).toBe(200)
  return { files, daemon, url }
}

function fileAt(path: string) {
  const times = { modified: '2026-11-23T08:44:53.000Z', linkTarget: null, sha256: null }
  return { path, type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, ...times }
}

function nameOf(n: number): string {
  return `hello-hello.web.web-1-data-db-${1_795_000_000 + n}.tar.gz`
}

test('lists longer than a page of GraphQL are complete and in order', async () => {
  const ask = await start()
  const backups = await ask<{ name: string }>('/proc/web/backups?volume=/data/db')
  expect(backups.map(({ name }) => name)).toEqual(Array.from({ length: COUNT }, (_, n) => nameOf(n)))
  const newest = Array.from({ length: COUNT }, (_, n) => ridOf(COUNT - 1 - n))
  const rids = async (query: string) =>
    (await ask<{ rid: string }>(`/cron/records${query}`)).map(({ rid }) => rid)
  expect(await rids('')).toEqual(newest.slice(0, 100))
  expect(await rids('?total=0&month=0&year=0')).toEqual(newest.slice(0, 100))
  expect(await rids('?total=700')).toEqual(newest.slice(0, 700))
  expect(await rids('?total=5000')).toEqual(newest)
  expect(await rids(`?args_instanceNo=1&total=1050`)).toEqual(newest.slice(0, 1050))
  expect(await rids(`?rid=${ridOf(3)}`)).toEqual([ridOf(3)])
})

test.each([
  '/api/v1/backup/filelist/app/hello/proc/web/dir/NAME/d',
  `${APP}/proc/web/backups/NAME/d?open=true`,
])('%s asks the daemon once, however many files there are', async (path) => {
  const { files, daemon, url } = await startWithFiles(3000)
  const { body } = await askHttp(url, 'GET', path)
  expect((body as { name: string }[]).map(({ name }) => `d/${name}`)).toEqual(files.map((file) => file.path))
  expect(daemon.seen.filter((seen) => seen.path.includes('/backup/files/'))).toHaveLength(1)
})

test('a folder that is too large for one list is refused', async () => {
  const { url } = await startWithFiles(MAX_FILES + 1)
  expect(await askHttp(url, 'GET', `${APP}/proc/web/backups/NAME/d?open=true`)).toMatchObject({
    status: 400,
    code: 'TOO_COSTLY',
    body: expect.stringContaining(`holds more than ${MAX_FILES} names`),
  })
})
