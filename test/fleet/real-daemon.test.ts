import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts'
import { createDaemonClient, type DaemonClient } from '../../src/fleet/daemon-client.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { jobId, newRid } from '../../src/wire/ids.ts'
import { isTerminal } from '../../src/wire/record.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '127.0.0.1'
let folder: string
let volume: string
let daemon: Daemon
let client: DaemonClient

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backupd-test-client-'))
  volume = join(folder, 'volumes', 'db')
  await mkdir(volume, { recursive: true })
  await mkdir(join(folder, 'store'))
  await writeFile(join(volume, 'a'), 'hello')
  daemon = await startDaemon({
    host: IP,
    port: 0,
    ip: IP,
    dataDir: join(folder, 'data'),
    volumeRoot: join(folder, 'volumes'),
    allowPaths: [],
    store: { driver: 'local', dir: join(folder, 'store') },
    takeOver: false,
    allowedHosts: [],
    log: silentLog,
    clock: systemClock,
    concurrency: 1,
    version: 'test',
    warmRunners: 0,
  })
  client = createDaemonClient({ addressOf: () => daemon.url, log: silentLog })
})

afterAll(async () => {
  await client?.close()
  await daemon?.close()
  await rm(folder, { recursive: true, force: true })
})

function backupJob() {
  const args = {
    app: 'shop',
    archive: 'shop-shop.web.web-1-data-db',
    containers: [],
    instanceNo: 1,
    mode: 'full',
    path: volume,
    postRun: '',
    preRun: '',
    proc: 'shop.web.web',
    volume: '/data/db',
  }
  const spec = '0 5 1 1 *'
  return {
    id: jobId(IP, { spec, action: 'backup', args }),
    spec,
    action: 'backup',
    args,
    type: 'cron',
    sleep: false,
  } as const
}

async function endOf(rid: string) {
  const ended = async () => {
    const record = await client.record(IP, rid)
    return record && isTerminal(record.state) ? record.state : undefined
  }
  await expect.poll(ended, { timeout: 30_000 }).toBeDefined()
  return client.record(IP, rid)
}

async function listed() {
  const all = []
  for await (const page of client.backups(IP, IP)) all.push(...page)
  return all
}

test('client and daemon agree on jobs, runs, backups, recovers and deletes', async () => {
  // It answers before its engine has started.
  await expect.poll(() => client.debug(IP)).toMatchObject({ protocol: 2, ip: IP, crond_status: 'started' })
  const job = backupJob()
  await client.setNotify(IP, 'http://127.0.0.1:9/api/v2/system/notify')
  await client.setJobs(IP, [job], {
    version: 'v1',
    controller: { id: 'c'.repeat(32), url: 'http://10.0.0.9:9002' },
    takeOver: false,
  })
  await client.sleepJob(IP, job.id)
  expect((await client.jobs(IP)).map((one) => one.job)).toMatchObject([
    { id: job.id, args: job.args, sleep: true },
  ])
  await client.wakeJob(IP, job.id)

  const rid = newRid(Date.now())
  expect(await client.runJob(IP, job.id, { rid, reread: true })).toBe(rid)
  const backedUp = await endOf(rid)
  expect(backedUp).toMatchObject({
    error: null,
    state: 'success',
    result: { backup: { app: 'shop', volume: '/data/db' } },
  })
  const [backup, ...others] = await listed()
  expect([backup, others]).toEqual([backedUp?.result?.backup, []])
  const name = backup?.name ?? ''
  const page = await client.ask(IP, 'files', { namespace: IP, name, path: '', after: null, limit: 10 })
  expect(page).toMatchObject({ files: [{ path: 'a', size: 5 }], next: null })

  await writeFile(join(volume, 'a'), 'damaged')
  const wish = {
    namespace: IP,
    name,
    mode: 'full',
    destDir: volume,
    app: 'shop',
    proc: 'shop.web.web',
  } as const
  const recoverRid = newRid(Date.now())
  const rest = { files: null, snapshot: null, inUse: 'refuse' } as const
  expect(await client.recover(IP, { ...wish, ...rest, rid: recoverRid })).toBe(recoverRid)
  expect(await endOf(recoverRid)).toMatchObject({ error: null, state: 'success' })

  await client.deleteBackups(IP, IP, [name])
  expect(await listed()).toEqual([])
})

test('client and daemon agree on refusals', async () => {
  const rid = newRid(Date.now())
  await expect(client.runJob(IP, 'nope', { rid, reread: false })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await client.record(IP, rid)).toBeUndefined()
  await expect(client.cancel(IP, rid)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await client.stopScheduler(IP)
  expect((await client.debug(IP)).crond_status).toBe('stopped')
  await client.startScheduler(IP)
})
