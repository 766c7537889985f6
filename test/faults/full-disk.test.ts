import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { MIN_FREE_BYTES } from '../../src/lib/data-room.ts'
import { helloInventory } from '../support/controller-world.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { askGraphQL, startTestController, testFolder, toldInventory } from '../support/real-controller.ts'
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
  ...{ app: 'hello', archive: 'hello-web-web-1-data-db', containers: [], instanceNo: 1, mode: 'full' },
  ...{ postRun: '', preRun: '', proc: 'hello.web.web', volume: '/data/db' },
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
        reason: expect.stringMatching(/^The disk of the data directory .* is full/),
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
  const inventory = toldInventory(helloInventory(['127.0.0.1']))
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
    body: { reason: expect.stringContaining('is full') },
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
