import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RebuildCatalogDocument } from '../../src/client/generated/operations.ts'
import {
  BackupDiffDocument,
  BackupFilesDocument,
  BackupSnapshotsDocument,
  BackupsDocument,
  DeleteBackupsDocument,
  DeleteBackupsPlanDocument,
  DeleteSnapshotsDocument,
  DeleteSnapshotsPlanDocument,
  FileHistoryDocument,
  JobsDocument,
  MigrateDocument,
  PlanStepsDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
} from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { hasRestic, restic } from '../support/restic.ts'

const [ONE, TWO] = ['127.0.0.1', '127.0.0.2'] as const
const NAME = 'hello-hello.web.web-1-data-db'
const OF = { app: 'hello', proc: 'web' }

/** Two daemons on one store, with an increment of each instance's volume in the inventory. */
async function start() {
  const folder = await testFolder()
  const volumeOf = (no: number) => join(folder, `volumes/hello/hello.web.web/${no}/data/db`)
  for (const no of [1, 2]) await mkdir(volumeOf(no), { recursive: true })
  const one = await startTestDaemon(folder, ONE)
  const two = await startTestDaemon(folder, TWO)
  const daemonUrls = { [ONE]: one.url, [TWO]: two.url }
  const hello = given.app('hello').proc('web').on(ONE, TWO).volume('/data/db')
  const inventory = toldInventory(hello.schedule({ mode: 'increment' }).inventory())
  const { execute } = await startTestController({ folder, inventory, daemonUrls })
  const ended = async (rid: string) => {
    const record = async () => (await execute(RecordDocument, { rid })).record
    await expect.poll(async () => (await record())?.state, { timeout: 30_000 }).not.toMatch(/QUEUED|RUNNING/)
    return await record()
  }
  const run = async () => {
    const find = async () =>
      (await execute(JobsDocument, { filter: { server: ONE, action: 'backup' } })).jobs[0]
    await expect.poll(async () => (await find())?.nextRun, { timeout: 30_000 }).toBeTruthy()
    const { runJob } = await execute(RunJobDocument, { id: (await find())?.id ?? '' })
    return await ended(runJob.rid)
  }
  return { execute, folder, volumeOf, ended, run }
}

test('changes by other programs, and damage found by a recover, appear in lists within moments', async () => {
  const { execute, folder, volumeOf, ended, run } = await start()
  await writeFile(join(volumeOf(1), 'orders.table'), randomBytes(100_000))
  const first = (await run())?.result?.snapshot ?? ''
  const second = (await run())?.result?.snapshot ?? ''
  const listed = async () => (await execute(BackupsDocument, {})).backups.nodes[0]
  expect(await listed()).toMatchObject({ snapshotCount: 2, lastGoodSnapshot: second })
  const repository = join(folder, `store/${ONE}/repo`)
  await rm(join(repository, 'snapshots', second))
  const { backup } = await execute(BackupSnapshotsDocument, { ...OF, name: NAME })
  expect(backup?.snapshots.map(({ id }) => id)).toEqual([first])
  const now = { snapshotCount: 1, lastGoodSnapshot: first, good: true }
  await expect.poll(listed, { timeout: 30_000 }).toMatchObject(now)
  for (const pack of await readdir(join(repository, 'data'), { recursive: true, withFileTypes: true }))
    if (pack.isFile()) await damage(join(pack.parentPath, pack.name))
  const { recover } = await execute(RecoverDocument, { input: { ...OF, backup: NAME } })
  expect(await ended(recover.rid)).toMatchObject({ state: 'FAILED', error: { code: 'SNAPSHOT_CORRUPT' } })
  const corrupt = { good: false, lastGoodSnapshot: null, corrupt: expect.stringContaining('damaged') }
  await expect.poll(listed, { timeout: 30_000 }).toMatchObject(corrupt)
}, 90_000)

test.skipIf(!hasRestic)(
  'the first run continues the series of an earlier restic snapshot (needs restic)',
  async () => {
    const { execute, folder, volumeOf, run } = await start()
    await writeFile(join(volumeOf(1), 'orders.table'), 'as it was')
    const own = await run()
    const repository = join(folder, `store/${ONE}/repo`)
    const judge = restic(repository, join(folder, 'store/.repository-password'))
    await rm(join(repository, 'snapshots', own?.result?.snapshot ?? ''))
    judge('backup', '--host', ONE, volumeOf(1))
    const names = async () => (await execute(BackupsDocument, {})).backups.nodes.map(({ name }) => name)
    await execute(RebuildCatalogDocument, {})
    await expect.poll(names, { timeout: 30_000 }).toEqual([expect.stringContaining('-volumes-hello-')])
    expect(await run()).toMatchObject({ result: { filesNew: 0 } })
    await expect.poll(names, { timeout: 30_000 }).toEqual([NAME])
    expect((await execute(BackupsDocument, {})).backups.nodes).toMatchObject([{ snapshotCount: 2 }])
  },
  90_000,
)

async function damage(path: string): Promise<void> {
  const content = await readFile(path)
  content[50] = (content[50] ?? 0) ^ 1
  await chmod(path, 0o600)
  await writeFile(path, content)
}

test('increments work from the inventory to the last deletion', async () => {
  const { execute, folder, volumeOf, ended, run } = await start()
  const at = (name: string) => join(volumeOf(1), name)
  await writeFile(at('orders.table'), 'as it was')
  await writeFile(at('gone.txt'), 'soon gone')
  const first = await run()
  expect(first).toMatchObject({ state: 'SUCCESS', mode: 'INCREMENT', result: { file: NAME, filesNew: 2 } })
  await writeFile(at('orders.table'), 'as it is now, longer')
  await rm(at('gone.txt'))
  const second = await run()
  expect(second?.result).toMatchObject({ filesChanged: 1, filesDeleted: 1, filesNew: 0 })
  const [older, newer] = [first?.result?.snapshot ?? '', second?.result?.snapshot ?? '']

  const { backups } = await execute(BackupsDocument, {})
  expect(backups.nodes).toMatchObject([
    { name: NAME, mode: 'INCREMENT', good: true, snapshotCount: 2, lastGoodSnapshot: newer, size: 20 },
  ])
  const { backup } = await execute(BackupSnapshotsDocument, { ...OF, name: NAME })
  expect(backup?.snapshots.map(({ id }) => id)).toEqual([newer, older])
  const diff = (await execute(BackupDiffDocument, { ...OF, name: NAME, from: older })).backup?.diff.nodes
  expect(diff?.map(({ change, path }) => `${change} ${path}`)).toEqual([
    'REMOVED gone.txt',
    'CONTENT orders.table',
  ])
  const history = await execute(FileHistoryDocument, { ...OF, name: NAME, path: 'gone.txt' })
  expect(history.backup?.history.nodes).toMatchObject([
    { snapshot: newer, change: 'REMOVED', file: null },
    { snapshot: older, change: 'ADDED', file: { path: 'gone.txt' } },
  ])
  const files = await execute(BackupFilesDocument, { ...OF, name: NAME, snapshot: older })
  expect(files.backup?.files.nodes.map(({ path }) => path)).toEqual(['gone.txt', 'orders.table'])

  const empties = [
    execute(BackupFilesDocument, { ...OF, name: NAME, snapshot: '' }),
    execute(BackupFilesDocument, { ...OF, name: NAME, after: '' }),
    execute(BackupDiffDocument, { ...OF, name: NAME, from: '' }),
    execute(BackupDiffDocument, { ...OF, name: NAME, from: older, to: '' }),
    execute(BackupSnapshotsDocument, { ...OF, name: NAME, after: '' }),
    execute(RecoverDocument, { input: { ...OF, backup: NAME, snapshot: '' } }),
  ]
  for (const answer of empties)
    await expect(answer).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('is empty'),
    })
  const newest = { ...OF, name: NAME, snapshot: null, after: null }
  expect((await execute(BackupFilesDocument, newest)).backup?.files.nodes).toHaveLength(1)

  const wish = { ...OF, backup: NAME, snapshot: older }
  const plan = await execute(RecoverDocument, { input: { ...wish, plan: true } })
  expect((await ended(plan.recover.rid))?.result?.plan).toMatchObject({
    create: 1,
    overwrite: 1,
    delete: 0,
    steps: [
      { action: 'CREATE', path: 'gone.txt' },
      { action: 'OVERWRITE', path: 'orders.table' },
    ],
  })
  const { rid } = plan.recover
  const [overwritten, created] = [
    { action: 'OVERWRITE', path: 'orders.table', size: 9 },
    { action: 'CREATE', path: 'gone.txt', size: 9 },
  ]
  const pageOf = async (page: object) =>
    (await execute(PlanStepsDocument, { rid, ...page })).record?.result?.plan
  const page = (await pageOf({ first: 1 }))?.stepConnection
  expect(page).toMatchObject({ totalCount: 2, nodes: [overwritten], pageInfo: { hasNextPage: true } })
  const next = (await pageOf({ after: page?.pageInfo.endCursor }))?.stepConnection
  expect(next).toMatchObject({ nodes: [created], pageInfo: { hasNextPage: false } })
  const chosen = await pageOf({ action: 'CREATE' })
  expect(chosen).toMatchObject({
    metadata: 0,
    userCount: 0,
    users: [],
    stepConnection: { totalCount: 1, nodes: [created] },
  })
  expect(chosen?.roomNeeded).toEqual({ bytes: 18, files: 2 })
  expect(await readdir(volumeOf(1))).toEqual(['orders.table'])
  const one = await execute(RecoverDocument, { input: { ...wish, files: ['gone.txt'] } })
  expect(await ended(one.recover.rid)).toMatchObject({ state: 'SUCCESS' })
  expect(await readFile(at('orders.table'), 'utf8')).toBe('as it is now, longer')
  const whole = await execute(RecoverDocument, { input: wish })
  expect(await ended(whole.recover.rid)).toMatchObject({ state: 'SUCCESS' })
  expect(await readFile(at('orders.table'), 'utf8')).toBe('as it was')
  const moved = await execute(MigrateDocument, { input: { ...OF, backup: NAME, to: 2, volume: '/data/db' } })
  expect(moved.migrate.server.ip).toBe(TWO)
  expect(await ended(moved.migrate.rid)).toMatchObject({ state: 'SUCCESS' })
  expect(await readFile(join(volumeOf(2), 'orders.table'), 'utf8')).toBe('as it is now, longer')

  const olderOne = { ...OF, backup: NAME, snapshots: [older] }
  const deletePlan = (await execute(DeleteSnapshotsPlanDocument, olderOne)).deleteSnapshotsPlan
  const deleted = await execute(DeleteSnapshotsDocument, { ...olderOne, ...deletePlan })
  expect(deleted.deleteSnapshots).toEqual([older])
  const count = async () => (await execute(BackupsDocument, {})).backups.nodes[0]?.snapshotCount
  await expect.poll(count, { timeout: 30_000 }).toBe(1)
  if (hasRestic)
    restic(join(folder, `store/${ONE}/repo`), join(folder, 'store/.repository-password'))('check')
  const all = { ...OF, names: [NAME] }
  const wholePlan = (await execute(DeleteBackupsPlanDocument, all)).deleteBackupsPlan
  const gone = await execute(DeleteBackupsDocument, { ...all, ...wholePlan })
  expect(gone.deleteBackups).toEqual([NAME])
  expect((await execute(BackupsDocument, {})).backups.nodes).toEqual([])
  expect(await run()).toMatchObject({ state: 'SUCCESS', result: { filesNew: 2 } })
  expect((await execute(BackupsDocument, {})).backups.nodes).toMatchObject([{ name: NAME, snapshotCount: 1 }])
}, 90_000)
