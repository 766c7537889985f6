import { expect, test } from 'vitest'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { askHttp } from '../support/daemon-http.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

const COUNT = 1100
const APP = '/api/v2/app/hello'

/** A controller that was told of 1,100 runs of this month, each with its backup. */
async function start() {
  const { url } = await startTestController({ folder: await testFolder() })
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

function nameOf(n: number): string {
  return `hello-hello.web.web-1-data-db-${1_795_000_000 + n}.tar.gz`
}

test('lists longer than a page of GraphQL are whole and in order', async () => {
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
