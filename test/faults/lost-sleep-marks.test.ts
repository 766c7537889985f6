import { expect, onTestFinished, test } from 'vitest'
import { syncServer } from '../../src/domain/server-sync.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { given } from '../support/given.ts'
import { backupArgs } from '../support/plugin-args.ts'

const hello = given.app('hello').proc('web')

interface Listed {
  next: string
  job: { id: string; sleep: boolean }
}

async function started(dir: string): Promise<StartedDaemon> {
  const daemon = await startTestDaemon({}, dir)
  onTestFinished(() => daemon.close())
  await expect.poll(async () => (await daemon.ask('GET', '/healthz')).status, { timeout: 50_000 }).toBe(200)
  return daemon
}

/** A daemon with the backups of two volumes, of which one sleeps. */
async function withSleeper() {
  const dir = temporaryDir()
  onTestFinished(() => dir[Symbol.dispose]())
  let daemon = await started(dir.path)
  let version = 0
  const jobOf = (volume: string, spec: string) => ({
    id: `${volume} ${spec}`,
    spec,
    action: 'backup',
    args: { ...backupArgs(`/v${volume}`), volume },
  })
  const send = async (...jobs: [volume: string, spec: string][]) => {
    const data = JSON.stringify(jobs.map(([volume, spec]) => jobOf(volume, spec)))
    version += 1
    await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: `v${version}` } })
  }
  const asleep = async () => {
    const { body } = await daemon.ask('GET', '/api/v1/cron/jobs')
    return (body as Listed[]).filter(({ job }) => job.sleep).map(({ job }) => job.id)
  }
  const restart = async () => {
    await daemon.close()
    daemon = await started(dir.path)
  }
  await send(['/a', '0 5 * * *'], ['/b', '0 5 * * *'])
  const path = `/api/v1/cron/jobs/${encodeURIComponent('/b 0 5 * * *')}/actions/sleep`
  expect((await daemon.ask('POST', path)).status).toBe(201)
  return { send, asleep, restart, ask: (...ask: Parameters<StartedDaemon['ask']>) => daemon.ask(...ask) }
}

test('a job stays asleep although its volume was missing from the list for a moment, across a restart too', async () => {
  const { send, asleep, restart } = await withSleeper()
  await send(['/a', '0 5 * * *'])
  expect(await asleep()).toEqual([])
  await restart()
  await send(['/a', '0 5 * * *'], ['/b', '0 5 * * *'])
  expect(await asleep()).toEqual(['/b 0 5 * * *'])
})

test('a job stays asleep after its schedule was edited, and wakes permanently on request', async () => {
  const { send, asleep, restart, ask } = await withSleeper()
  await send(['/a', '0 6 * * *'], ['/b', '5 5 * * *'])
  expect(await asleep()).toEqual(['/b 5 5 * * *'])
  await restart()
  expect(await asleep()).toEqual(['/b 5 5 * * *'])
  await ask('POST', `/api/v1/cron/jobs/${encodeURIComponent('/b 5 5 * * *')}/actions/wakeup`)
  await send(['/a', '0 6 * * *'], ['/b', '0 5 * * *'])
  await restart()
  expect(await asleep()).toEqual([])
})

test('a stopped scheduler stays stopped after a list and a restart, until it is started', async () => {
  const { send, restart, ask } = await withSleeper()
  const status = async () =>
    ((await ask('GET', '/api/v1/debug')).body as { crond_status: string }).crond_status
  expect(await status()).toBe('started')
  await ask('PUT', '/api/v1/cron/stop')
  await send(['/a', '0 7 * * *'])
  expect(await status()).toBe('stopped')
  await restart()
  expect(await status()).toBe('stopped')
  await ask('PUT', '/api/v1/cron/start')
  await restart()
  expect(await status()).toBe('started')
})

test('a list of jobs does not start the stopped scheduler of a legacy daemon', async () => {
  const IP = '10.0.0.1'
  const { world, daemons, take } = await given.daemon(IP, { protocol: undefined }).inMemory()
  const legacy = daemons.at(IP)
  const setJobs = legacy.setJobs.bind(legacy)
  legacy.setJobs = (jobs, version) => {
    setJobs(jobs, version)
    legacy.debug.crond_status = 'started'
  }
  await take(hello.on(IP).volume('/data/db').inventory())
  legacy.debug.crond_status = 'stopped'
  const server = world.servers.get(IP)
  if (!server) throw new Error('the server is not known')
  server.debug = { ...legacy.debug }
  await take(hello.on(IP).volumes('/data/db', '/data/more').inventory())
  await syncServer(world, server)
  expect(legacy.debug.crond_status).toBe('stopped')
})
