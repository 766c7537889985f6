import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { MIN_FREE_BYTES } from '../../src/lib/data-room.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { given } from '../support/given.ts'
import {
  askGraphQL,
  startTestDaemon as startRealDaemon,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }
/** Room for backups, and not much more. */
const SIZE_KIB = (MIN_FREE_BYTES / 1024) * 1.5

/** Writes until nothing more goes. */
function fill(file: string): void {
  try {
    for (let n = 0; ; n++) writeFileSync(`${file}${n}`, Buffer.alloc(1024 * 1024))
  } catch {}
  try {
    for (let n = 0; ; n++) writeFileSync(`${file}small${n}`, Buffer.alloc(4096))
  } catch {}
}

function makeRoom(dir: string): void {
  for (const name of readdirSync(dir).filter((each) => each.startsWith('fill'))) rmSync(join(dir, name))
}

const ARGS = {
  app: 'hello',
  archive: 'hello-web-web-1-data-db',
  containers: [],
  instanceNo: 1,
  mode: 'full',
  postRun: '',
  preRun: '',
  proc: 'hello.web.web',
  volume: '/data/db',
}

itMounts(
  'a full disk under --data of the daemon stops new backups only, and nothing else needs help',
  async () => {
    const { dir } = smallFileSystem(SIZE_KIB)
    await using daemon = await startTestDaemon({ dataDir: join(dir, 'data') })
    const path = join(daemon.dir, 'volumes/db')
    mkdirSync(path)
    writeFileSync(join(path, 'a'), 'a')
    const data = JSON.stringify([{ id: 'j', spec: '@yearly', action: 'backup', args: { ...ARGS, path } }])
    await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: '1' } })
    const run = () => daemon.ask('POST', '/api/v1/cron/once/j')
    const health = () => daemon.ask('GET', '/healthz')
    expect((await health()).status).toBe(200)
    fill(join(dir, 'fill'))
    await expect.poll(health, PATIENCE).toMatchObject({
      status: 503,
      body: {
        status: 'failing',
        reason: expect.stringMatching(/^The disk of the data directory .* is full: \d+ MiB are left/),
      },
    })
    expect(await run()).toMatchObject({ status: 507, code: 'DISK_FULL' })
    const form = { namespace: '10.77.0.11', destDir: path, app: 'hello', proc: 'hello.web.web' }
    const recover = await daemon.ask(
      'POST',
      '/api/v1/backup/full/recover/file/hello-web-web-1-data-db-1.tar.gz',
      { form },
    )
    // There is no such backup: that is found out by a run, whose record was written.
    const { rid } = recover.body as { rid: string }
    expect(await daemon.ended(rid)).toMatchObject({ state: 'failed', error: { code: 'NOT_FOUND' } })
    const said = daemon.log.lines.filter(({ message }) =>
      message.startsWith('The disk of the data directory'),
    )
    expect(said).toHaveLength(1)
    makeRoom(dir)
    await expect.poll(async () => (await run()).status, PATIENCE).toBe(202)
  },
)

itMounts('a full disk under --data of the controller refuses backups and is told in health', async () => {
  const { dir } = smallFileSystem(SIZE_KIB)
  const inventory = toldInventory(
    given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory(),
  )
  const options = { folder: await testFolder(), dataDir: join(dir, 'controller'), inventory }
  const { url } = await startTestController(options)
  const health = async () => {
    const response = await fetch(`${url}/healthz`)
    return { status: response.status, body: (await response.json()) as { reason?: string } }
  }
  expect((await health()).status).toBe(200)
  fill(join(dir, 'fill'))
  await expect.poll(health, PATIENCE).toMatchObject({
    status: 503,
    body: { reason: expect.stringMatching(/ is full: \d+ MiB are left/) },
  })
  const { data } = await askGraphQL<{ jobs: { id: string }[] }>(
    url,
    '{ jobs(filter: { action: "backup" }) { id } }',
  )
  const run = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
  const { errors } = await askGraphQL(url, run, { id: data?.jobs[0]?.id })
  expect(errors?.[0]?.extensions.code).toBe('DISK_FULL')
  makeRoom(dir)
  await expect.poll(async () => (await health()).status, PATIENCE).toBe(200)
})

const DAY_MS = 86_400_000

/** Three legacy backups of hello's /data/db, four to two days old, with `kept` in it; their names, the oldest first. */
function fillLegacyStore(namespace: string, volume: string): string[] {
  mkdirSync(namespace, { recursive: true })
  mkdirSync(volume, { recursive: true })
  writeFileSync(join(volume, 'table'), 'kept')
  const entities = [4, 3, 2].map((days) => {
    const ms = Date.now() - days * DAY_MS
    const name = `hello-hello.web.web-1-data-db-${Math.floor(ms / 1000)}.tar.gz`
    execFileSync('tar', ['-czf', join(namespace, name), '-C', join(volume, '..'), 'db'])
    const created = new Date(ms).toISOString()
    return recordedEntity({ name, source: volume, server: basename(namespace), created })
  })
  writeRecordedMeta(namespace, entities)
  return entities.map(({ name }) => name)
}

/** Fills the disk and waits until a data directory has given back its reserve: the room that the others then see. */
async function fillWithReserves(dir: string, dataDirs: string[]): Promise<void> {
  const reserves = () => dataDirs.map((each) => existsSync(join(each, 'reserve')))
  expect(reserves()).toEqual(dataDirs.map(() => true))
  let round = 0
  const fillMore = () => {
    const now = reserves()
    // Once more while nobody noticed: what the programs removed meanwhile made room.
    if (!now.includes(false)) fill(join(dir, `fill-${round++}-`))
    return now
  }
  await expect.poll(fillMore, PATIENCE).toContain(false)
}

function readAudit(dataDir: string) {
  const database = new Database(join(dataDir, 'catalog.db'), { readonly: true })
  const entries = database
    .prepare("SELECT verb, outcome FROM Audit WHERE who <> 'first start' ORDER BY id")
    .all()
  database.close()
  return entries
}

itMounts('while the disk is full, a delete and a recover succeed, and the audit has them', async () => {
  const { dir } = smallFileSystem(SIZE_KIB)
  const ip = '127.0.0.1'
  const volume = join(dir, 'volumes/hello/hello.web.web/1/data/db')
  const [oldest = '', middle = '', newest = ''] = fillLegacyStore(join(dir, 'store', ip), volume)
  const daemon = await startRealDaemon(dir, ip)
  const inventory = toldInventory(given.app('hello').proc('web').on(ip).volume('/data/db').inventory())
  const { url } = await startTestController({ folder: dir, inventory, daemonUrls: { [ip]: daemon.url } })
  const ask = async <T>(query: string, variables: object = {}): Promise<T> => {
    const { data, errors } = await askGraphQL<T>(url, query, variables)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return data
  }
  const list = () => ask('{ backups { nodes { name } } }')
  const listed = (...names: string[]) => ({ backups: { nodes: names.map((name) => ({ name })) } })
  await expect.poll(list, PATIENCE).toEqual(listed(newest, middle, oldest))
  await fillWithReserves(dir, [join(dir, 'controller'), join(dir, `daemon-${ip}`)])

  const gone = { app: 'hello', proc: 'web', names: [middle] }
  expect(await deleteByPlan(ask, gone)).toEqual({ deleteBackups: [middle] })
  expect(readdirSync(join(dir, 'store', ip))).not.toContain(middle)
  expect(await list()).toEqual(listed(newest, oldest))

  writeFileSync(join(volume, 'table'), 'lost')
  const input = { app: 'hello', proc: 'web', backup: newest }
  const recover = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'
  const { rid } = (await ask<{ recover: { rid: string } }>(recover, { input })).recover
  const record = () => ask('query ($rid: ID!) { record(rid: $rid) { state reason } }', { rid })
  await expect.poll(record, PATIENCE).toEqual({ record: { state: 'SUCCESS', reason: null } })
  expect(readFileSync(join(volume, 'table'), 'utf8')).toBe('kept')

  expect(readAudit(join(dir, 'controller'))).toEqual([
    { verb: 'startController', outcome: 'done' },
    { verb: 'deleteBackups', outcome: 'begun' },
    { verb: 'deleteBackups', outcome: 'done' },
    { verb: 'recover', outcome: 'begun' },
    { verb: 'recover', outcome: 'done' },
  ])
  // Each looks at the disk in its own time.
  for (const each of [url, daemon.url]) {
    const status = async () => (await fetch(`${each}/healthz`)).status
    await expect.poll(status, PATIENCE).toBe(503)
  }
})

itMounts('while the disk is full, backups expire', async () => {
  const { dir } = smallFileSystem(SIZE_KIB)
  const volume = join(dir, 'volumes/db')
  const namespace = join(dir, 'store/10.77.0.11')
  const [oldest = '', middle = '', newest = ''] = fillLegacyStore(namespace, volume)
  await using daemon = await startTestDaemon({}, dir)
  const args = { info: [volume, '1d'] }
  const data = JSON.stringify([{ id: 'e', spec: '@yearly', action: 'backup_expire', args }])
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: '1' } })
  await fillWithReserves(dir, [join(dir, 'data')])
  const { body } = await daemon.ask('POST', '/api/v1/cron/once/e')
  const { rid } = body as { rid: string }
  await expect
    .poll(async () => (await daemon.ask('GET', `/api/v1/cron/records/${rid}`)).body, PATIENCE)
    .toMatchObject({ state: 'success', result: { deleted: [oldest, middle] } })
  const archives = readdirSync(namespace).filter((name) => name.endsWith('.tar.gz'))
  expect(archives).toEqual([newest])
  expect((await daemon.ask('GET', '/healthz')).status).toBe(503)
})
