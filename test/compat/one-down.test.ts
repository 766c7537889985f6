import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RebuildCatalogDocument } from '../../src/client/generated/operations.ts'
import { RecordDocument } from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import { rawRequest } from '../support/raw-http.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'

const hello = given.app('hello').proc('web')

const [UP, DOWN] = ['127.0.0.1', '127.0.0.2'] as const
const APP = '/api/v2/app/hello'

/** Two servers, one of which does not answer; a backup on the other. */
async function start() {
  const folder = await testFolder()
  await mkdir(join(folder, 'volumes/hello/hello.web.web/1/data/db'), { recursive: true })
  await writeFile(join(folder, 'volumes/hello/hello.web.web/1/data/db/a.txt'), 'one')
  const { url: daemonUrl } = await startTestDaemon(folder, UP)
  const inventory = toldInventory(hello.on(UP, DOWN).volume('/data/db').inventory())
  const { execute, ...controller } = await startTestController({
    folder,
    inventory,
    daemonUrls: { [UP]: daemonUrl },
  })
  const ask = async (path: string, method = 'GET') => {
    const { status, headers, body } = await rawRequest(controller.url, { method, path })
    return { status, warning: headers.warning, code: headers['x-backupd-error-code'], body: JSON.parse(body) }
  }
  const jobOf = (at: number) => async () => (await ask(`${APP}/cron/jobs`)).body[at]
  await expect.poll(async () => (await jobOf(0)()).next).not.toMatch(/^0001/)
  return { ask, execute, folder, inventory, up: (await jobOf(0)()).job, down: (await jobOf(1)()).job }
}

const WARNING = `199 backupd "The daemon on ${DOWN} has not answered yet: its entries are as it last reported them"`

test('lists show what the other daemons have, and name the daemon that does not answer', async () => {
  const { ask, execute, up } = await start()
  const rid = (await ask(`${APP}/cron/jobs/${up.id}/actions/run`, 'POST')).body
  const state = async () => (await execute(RecordDocument, { rid })).record?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('SUCCESS')
  const backups = await ask(`${APP}/proc/web/backups?volume=/data/db`)
  expect(backups).toMatchObject({
    status: 200,
    warning: WARNING,
    body: [{ volume: '/data/db', instanceNo: 1 }],
  })
  expect(await ask(`${APP}/proc/hello.web.web/backups?volume=%2Fdata%2Fdb`)).toEqual(backups)
  expect(await ask('/api/v1/backup/json/app/hello/proc/web')).toEqual(backups)
  expect(await ask(`${APP}/cron/jobs`)).toMatchObject({ status: 200, warning: WARNING })
  expect(await ask('/api/v1/cron/jobs/all')).toMatchObject({ status: 200, warning: WARNING })
  expect(await ask(`/api/v2/server/${DOWN}/cron/jobs`)).toMatchObject({ status: 200, warning: WARNING })
  expect((await ask(`/api/v2/server/${UP}/cron/jobs`)).warning).toBeUndefined()
  expect((await ask('/api/v2/app/nope/cron/jobs')).warning).toBeUndefined()
})

test('a silent server that left the inventory is named only in lists of its own backups', async () => {
  const { ask, execute, folder, inventory } = await start()
  const namespace = join(folder, 'store', DOWN)
  const source = join(folder, 'volumes/hello/hello.web.web/2/data/db')
  const name = 'hello-hello.web.web-2-data-db-1795425842.tar.gz'
  writeRecordedMeta(namespace, [recordedEntity({ name, source, server: DOWN, instanceNo: 2 })])
  await writeFile(join(namespace, name), 'x'.repeat(342))
  await execute(RebuildCatalogDocument, {})
  inventory.tell({ kind: 'inventory', inventory: hello.on(UP).volumes('/data/db', '/data/more').inventory() })
  await expect.poll(async () => (await ask(`${APP}/cron/jobs`)).body).toHaveLength(2)
  const path = `${APP}/proc/web/backups?volume=`
  expect(await ask(`${path}/data/db`)).toMatchObject({ warning: WARNING, body: [{ name }] })
  expect(await ask(`${path}/data/more`)).toMatchObject({ warning: undefined, body: [] })
})

test('a request to a daemon that does not answer fails with its name', async () => {
  const { ask, down } = await start()
  for (const [path, method, status] of [
    [`/api/v2/server/${DOWN}/debug`, 'GET', 400],
    [`/api/v2/server/${DOWN}/cron/actions/stop`, 'PUT', 400],
    [`${APP}/cron/jobs/${down.id}/actions/sleep`, 'POST', 400],
    [`/api/v1/cron/once/app/hello/id/${down.id}`, 'POST', 500],
  ] as const) {
    const answer = await ask(path, method)
    expect(answer).toMatchObject({ status, code: 'DAEMON_UNREACHABLE' })
    expect(answer.body).toContain(`Cannot reach the daemon on ${DOWN}`)
  }
})

test('filters narrow jobs and records', async () => {
  const { ask, execute, up, down } = await start()
  const idsOf = async (query: string) => {
    const { body } = await ask(`${APP}/cron/jobs?${query}`)
    return body.map(({ job }: { job: { id: string } }) => job.id)
  }
  expect(await idsOf('args_proc=web')).toEqual([up.id, down.id])
  expect(await idsOf('args_proc=hello.web.web&args_instanceNo=2')).toEqual([down.id])
  expect(await idsOf('args_containers=%5Bc1%5D')).toEqual([up.id])
  expect(await idsOf('action=backup_expire')).toEqual([])
  expect(await idsOf('args_nope=1')).toEqual([])
  expect([await idsOf('type=cron'), await idsOf('type=once')]).toEqual([[up.id, down.id], []])

  const rids: string[] = []
  for (const path of [`${APP}/cron/jobs/${up.id}/actions/run`, `/api/v1/cron/once/app/hello/id/${up.id}`]) {
    const rid = (await ask(path, 'POST')).body
    await expect
      .poll(async () => (await execute(RecordDocument, { rid })).record?.state, { timeout: 30_000 })
      .toBe('SUCCESS')
    rids.unshift(rid)
  }
  const told = async (query: string) => {
    const { body } = await ask(`/api/v1/cron/records/app/hello?${query}`)
    return body.map(({ rid }: { rid: string }) => rid)
  }
  expect(await told('')).toEqual(rids)
  expect(await told('total=1')).toEqual([rids[0]])
  expect(await told(`rid=${rids[1]}`)).toEqual([rids[1]])
  expect(await told('state=success&args_volume=/data/db&args_proc=web')).toEqual(rids)
  expect(await told('state=failed')).toEqual([])
  expect(await told('action=backup_recover')).toEqual([])
  expect(await told('month=1&year=2016')).toEqual([])
  expect(await ask(`/api/v2/app/other/cron/records/${rids[0]}`)).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
  })
  expect(await ask(`/api/v2/app/other/cron/jobs/${up.id}/actions/run`, 'POST')).toMatchObject({
    status: 400,
    body: expect.stringContaining(`There is no job "${up.id}" of other`),
  })
})

test('a daemon that accepts requests and never answers delays no list', async () => {
  const hanging = await scriptedDaemon(() => undefined)
  const inventory = toldInventory(hello.on(UP, DOWN).volume('/data/db').inventory())
  const daemonUrls = { [UP]: hanging.url, [DOWN]: hanging.url }
  const { url } = await startTestController({ folder: await testFolder(), inventory, daemonUrls })
  await expect.poll(() => hanging.seen.length).toBeGreaterThanOrEqual(2)
  for (const path of [
    `${APP}/cron/jobs`,
    '/api/v1/cron/jobs/all',
    `${APP}/proc/web/backups`,
    `${APP}/cron/records`,
  ]) {
    const { status, headers } = await rawRequest(url, { path })
    expect([path, status]).toEqual([path, 200])
    if (!path.endsWith('records')) expect(headers.warning).toContain(UP)
  }
  expect(hanging.seen.every(({ path }) => path === '/api/v1/debug')).toBe(true)
})
