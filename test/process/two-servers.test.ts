import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RebuildCatalogDocument } from '../../src/client/generated/operations.ts'
import {
  BackupFilesDocument,
  BackupsDocument,
  JobsDocument,
  MigrateDocument,
  RecordDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const [ONE, TWO, DEAD] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const

/** Two daemons on one store, and a third server that does not answer. */
async function start() {
  const folder = await testFolder()
  const volumeOf = (no: number) => join(folder, `volumes/hello/hello.web.web/${no}/data/db`)
  for (const no of [1, 2]) await mkdir(volumeOf(no), { recursive: true })
  await writeFile(join(volumeOf(1), 'a.txt'), 'of the first')
  await writeFile(join(volumeOf(2), 'b.txt'), 'of the second')
  const one = await startTestDaemon(folder, ONE)
  const two = await startTestDaemon(folder, TWO)
  const daemonUrls = { [ONE]: one.url, [TWO]: two.url }
  const inventory = toldInventory(
    given.app('hello').proc('web').on(ONE, TWO, DEAD).volume('/data/db').inventory(),
  )
  const { execute, ...controller } = await startTestController({ folder, inventory, daemonUrls })
  const ended = async (rid: string) => {
    const state = async () => (await execute(RecordDocument, { rid })).record?.state
    await expect.poll(state, { timeout: 30_000 }).not.toMatch(/QUEUED|RUNNING/)
    return (await execute(RecordDocument, { rid })).record
  }
  const jobOn = async (server: string) => {
    const find = async () => (await execute(JobsDocument, { filter: { server, action: 'backup' } })).jobs[0]
    await expect.poll(async () => (await find())?.nextRun).toBeTruthy()
    return (await find())?.id ?? ''
  }
  return { ...controller, execute, one, two, folder, volumeOf, ended, jobOn }
}

test('a backup migrates to another server; a dead server hides nobody; a rebuilt catalog is the same', async () => {
  const { execute, one, volumeOf, ended, jobOn } = await start()
  const { runJob } = await execute(RunJobDocument, { id: await jobOn(ONE) })
  expect(await ended(runJob.rid)).toMatchObject({ state: 'SUCCESS', reason: null, warnings: [] })
  const { servers } = await execute(ServersDocument, {})
  expect(servers.map(({ ip, reachable }) => [ip, reachable])).toEqual([
    [ONE, true],
    [TWO, true],
    [DEAD, false],
  ])
  const { backups } = await execute(BackupsDocument, {})
  const name = backups.nodes[0]?.name ?? ''

  await jobOn(TWO)
  const input = { app: 'hello', proc: 'web', backup: name, to: 2, volume: '/data/db' }
  const { migrate } = await execute(MigrateDocument, { input })
  expect(migrate.server.ip).toBe(TWO)
  expect(await ended(migrate.rid)).toMatchObject({
    state: 'SUCCESS',
    reason: null,
    volume: '/data/db',
    instanceNo: 2,
  })
  expect(await readFile(join(volumeOf(2), 'a.txt'), 'utf8')).toBe('of the first')

  await one.close()
  const { backup } = await execute(BackupFilesDocument, { app: 'hello', proc: 'web', name })
  expect(backup?.files.nodes.map(({ path }) => path)).toEqual(['a.txt'])

  const { rebuildCatalog } = await execute(RebuildCatalogDocument, { dryRun: false })
  expect(rebuildCatalog.namespaces).toMatchObject([
    { ip: ONE, added: 0, updated: 0, removed: 0, unchanged: 1, error: null },
    { ip: TWO, error: null },
    { ip: DEAD, error: expect.stringContaining('Cannot reach the daemon on') },
  ])
})

test('a lost catalog is rebuilt from the store', async () => {
  const { execute, close, folder, jobOn, ended, one } = await start()
  const { runJob } = await execute(RunJobDocument, { id: await jobOn(ONE) })
  await ended(runJob.rid)
  const before = await execute(BackupsDocument, {})
  await close()
  await rm(join(folder, 'controller'), { recursive: true })
  const again = await startTestController({
    folder,
    inventory: toldInventory(given.app('hello').proc('web').on(ONE).volume('/data/db').inventory()),
    daemonUrls: { [ONE]: one.url },
  })
  // A count may be a moment ahead of a list.
  await expect.poll(() => again.execute(BackupsDocument, {})).toEqual(before)
})
