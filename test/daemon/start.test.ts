import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startDaemon } from '../../src/daemon/daemon.ts'
import { acquireLocks, lifeLock } from '../../src/engine/run-locks.ts'
import { debugSchema } from '../../src/wire/daemon-api.ts'
import { newRid } from '../../src/wire/ids.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { optionsIn, startTestDaemon } from '../support/daemon-start.ts'
import { freePort } from '../support/free-port.ts'
import { backupArgs } from '../support/plugin-args.ts'

/** A loaded machine takes its time to start the processes that claim and settle. */
const LONG = { timeout: 60_000 }

let dir: ReturnType<typeof temporaryDir>

beforeEach(() => {
  dir = temporaryDir()
})

afterEach(() => {
  dir[Symbol.dispose]()
})

test('the data directory is created, readable only by its owner', async () => {
  await using daemon = await startTestDaemon({}, dir.path)
  expect(statSync(join(daemon.dir, 'data')).mode & 0o777).toBe(0o700)
})

test('a port in use gives one clear sentence, and the data directory is released', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await expect(startDaemon(optionsIn(dir.path, { port }))).rejects.toThrow(
    `The daemon cannot listen on 127.0.0.1:${port}: the port is in use. Stop what uses it, or choose another address`,
  )
  server.close()
  await using daemon = await startTestDaemon({}, dir.path)
  await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, LONG).toBe(200)
})

test('an address of another machine is refused', async () => {
  await expect(startDaemon(optionsIn(dir.path, { host: '192.0.2.1' }))).rejects.toThrow(
    /cannot listen on 192\.0\.2\.1:0/,
  )
})

test('a data directory that is a file, or cannot be created, is refused', async () => {
  writeFileSync(join(dir.path, 'file'), '')
  for (const dataDir of [join(dir.path, 'file'), join(dir.path, 'file/below'), '/proc/nowhere']) {
    await expect(startDaemon(optionsIn(dir.path, { dataDir }))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining(`Cannot use the data directory ${dataDir}`),
    })
  }
})

test('the second of two daemons on one data directory is refused, the first continues', async () => {
  await using first = await startTestDaemon({}, dir.path)
  await expect(startDaemon(optionsIn(dir.path))).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining(`Another daemon (process ${process.pid}) uses the data directory`),
  })
  await expect.poll(async () => (await first.ask('GET', '/healthz')).status, LONG).toBe(200)
})

test('until interrupted runs are settled, the daemon answers and accepts no work', async () => {
  const held = await acquireLocks(join(dir.path, 'data'), [lifeLock(newRid(Date.now()))])
  const port = await freePort()
  const started = startTestDaemon({ port }, dir.path)
  const url = `http://127.0.0.1:${port}`
  await expect.poll(() => statusOf(url)).toBe(503)
  expect((await askHttp(url, 'GET', '/api/v1/debug')).body).toMatchObject({ crond_status: 'stopped' })
  const data = JSON.stringify([{ id: 'a', spec: '0 5 * * *', action: 'test', args: {} }])
  expect((await askHttp(url, 'PUT', '/api/v1/cron/jobs', { form: { data, version: 'v1' } })).status).toBe(200)
  for (const [method, path] of [
    ['POST', '/api/v1/cron/once/a'],
    ['POST', '/api/v1/backup/full/recover/file/a.tar.gz'],
    ['PUT', '/api/v1/cron/start'],
  ] as const) {
    const words = expect.stringContaining('does not accept work yet')
    expect(await askHttp(url, method, path)).toMatchObject({
      status: 503,
      body: words,
      code: 'STORE_UNAVAILABLE',
    })
  }
  held.release()
  await using daemon = await started
  await expect.poll(() => statusOf(url)).toBe(200)
  expect((await daemon.ask('POST', '/api/v1/cron/once/a')).status).toBe(202)
})

async function statusOf(url: string): Promise<number> {
  return (await askHttp(url, 'GET', '/healthz').catch(() => ({ status: 0 }))).status
}

test('a namespace of another daemon is refused, and taken over only on request', async () => {
  await (await startTestDaemon({}, dir.path)).close()
  const other = { dataDir: join(dir.path, 'other') }
  await expect(startDaemon(optionsIn(dir.path, other))).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/take-over/),
  })
  await using daemon = await startTestDaemon({ ...other, takeOver: true }, dir.path)
  await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, LONG).toBe(200)
})

test('the daemon id is created once', async () => {
  const ids: (string | undefined)[] = []
  for (let n = 0; n < 2; n++) {
    await using daemon = await startTestDaemon({}, dir.path)
    ids.push(debugSchema.parse((await daemon.ask('GET', '/api/v1/debug')).body).daemonId)
  }
  expect(ids[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(ids[1]).toBe(ids[0])
  writeFileSync(join(dir.path, 'data/daemon-id'), 'scribble')
  await expect(startDaemon(optionsIn(dir.path))).rejects.toThrow(/does not contain a daemon id/)
})

test('a daemon without its store starts, answers, keeps time, and says what is wrong', async () => {
  const store = { driver: 'local', dir: join(dir.path, 'not-mounted/store') } as const
  writeFileSync(join(dir.path, 'not-mounted'), '')
  await using daemon = await startTestDaemon({ store }, dir.path)
  const errors = () => daemon.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  await expect.poll(errors).toContainEqual(expect.stringContaining('The store cannot be claimed'))
  expect((await daemon.ask('GET', '/api/v1/debug')).body).toMatchObject({ crond_status: 'started' })
  const storeOf = async () => debugSchema.parse((await daemon.ask('GET', '/api/v1/debug')).body).store
  await expect.poll(async () => (await storeOf())?.error).toEqual(expect.any(String))
  expect((await daemon.ask('GET', '/api/v1/backup/json')).status).toBe(503)
})

test('a daemon does not start if its MooseFS store is not on a MooseFS', async () => {
  const store = { driver: 'moosefs', dir: dir.path } as const
  await expect(startDaemon(optionsIn(dir.path, { store }))).rejects.toMatchObject({
    code: 'STORE_NOT_MOUNTED',
    message: expect.stringContaining(`The store ${dir.path} is not on a mounted MooseFS`),
  })
  await using daemon = await startTestDaemon({}, dir.path)
  await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, LONG).toBe(200)
})

test('a daemon that others can reach logs at the start what they can overwrite', async () => {
  await using daemon = await startTestDaemon({ host: '0.0.0.0', allowPaths: ['/srv/shop'] }, dir.path)
  const warnings = daemon.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  expect(warnings).toEqual([expect.stringMatching(/Everyone who reaches .* can overwrite .*\/srv\/shop/)])
  await using quiet = await startTestDaemon()
  expect(quiet.log.lines.filter(({ level }) => level === 'warn')).toEqual([])
})

test('a closed daemon leaves nothing open, and its lock is free', async () => {
  const daemon = await startTestDaemon({}, dir.path)
  await daemon.close()
  await expect(daemon.ask('GET', '/healthz')).rejects.toThrow()
  expect(readFileSync(join(dir.path, 'data/locks/daemon'), 'utf8')).toBe(`${process.pid}\n`)
  await using again = await startTestDaemon({}, dir.path)
  await expect.poll(async () => (await again.ask('GET', '/healthz')).status, LONG).toBe(200)
})

test('a run may use the first paths before any others are allowed', async () => {
  const volume = join(dir.path, 'elsewhere')
  mkdirSync(volume)
  writeFileSync(join(volume, 'a'), '1')
  await using daemon = await startTestDaemon({ firstPaths: [volume] }, dir.path)
  await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, LONG).toBe(200)
  const job = { id: 'j', spec: '@yearly', action: 'backup', args: backupArgs(volume) }
  const data = JSON.stringify([job])
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: '1' } })
  const started = await daemon.ask('POST', '/api/v1/cron/jobs/j/actions/run', { form: {} })
  expect(await daemon.ended((started.body as { rid: string }).rid)).toMatchObject({ state: 'success' })
})
