import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RebuildCatalogDocument } from '../../src/client/generated/operations.ts'
import {
  BackupFilesDocument,
  BackupsDocument,
  DeleteBackupsDocument,
  DeleteBackupsPlanDocument,
  MigrateDocument,
  RecordDocument,
  RecoverDocument,
} from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'

const [SERVER, DEAD] = ['127.0.0.1', '10.0.0.9'] as const
const ARCHIVE = 'hello-hello.web.web-1-data-db'
const MIRROR = 'hello-hello.web.web-1-data-files'

/** What the legacy system leaves in a server's folder: an archive of /data/db, a mirror of /data/files, their `.meta`. */
function fillRecorded(folder: string, server: string) {
  const namespace = join(folder, 'store', server)
  const sourceOf = (volume: string) => join(folder, 'volumes/hello/hello.web.web/1', volume)
  const packed = join(folder, 'packed', server)
  mkdirSync(join(packed, 'db'), { recursive: true })
  writeFileSync(join(packed, 'db/table'), `row of ${server}\n`)
  mkdirSync(join(namespace, MIRROR, 'sub'), { recursive: true })
  writeFileSync(join(namespace, MIRROR, 'time.log'), 'time1\n')
  writeFileSync(join(namespace, MIRROR, 'sub/s'), 's1\n')
  const name = `${ARCHIVE}-1795425846.tar.gz`
  execFileSync('tar', ['-czf', join(namespace, name), '-C', packed, 'db'])
  const mirrored = { mode: 'increment', volume: '/data/files', source: sourceOf('data/files') } as const
  writeRecordedMeta(namespace, [
    recordedEntity({ name, source: sourceOf('data/db'), server }),
    recordedEntity({ name: MIRROR, server, size: 0, ...mirrored }),
  ])
  return { namespace, name }
}

async function start() {
  const folder = await testFolder()
  const own = fillRecorded(folder, SERVER)
  const dead = fillRecorded(folder, DEAD)
  const volumeOf = (volume: string) => join(folder, 'volumes/hello/hello.web.web/1', volume)
  for (const volume of ['data/db', 'data/files']) mkdirSync(volumeOf(volume), { recursive: true })
  writeFileSync(join(volumeOf('data/db'), 'table'), 'damaged')
  writeFileSync(join(volumeOf('data/files'), 'time.log'), 'damaged')
  writeFileSync(join(volumeOf('data/files'), 'other'), 'mine')
  const daemon = await startTestDaemon(folder, SERVER)
  const options = () => ({
    folder,
    inventory: toldInventory(
      given.app('hello').proc('web').on(SERVER).volumes('/data/db', '/data/files').inventory(),
    ),
    daemonUrls: { [SERVER]: daemon.url },
  })
  const controller = await startTestController(options())
  return { folder, own, dead, volumeOf, options, controller }
}

type Execute = Awaited<ReturnType<typeof start>>['controller']['execute']

async function namesIn(execute: Execute): Promise<string[]> {
  const { backups } = await execute(BackupsDocument, {})
  return backups.nodes.map(({ id }) => id).sort()
}

/** Waits until the daemon was asked, so that it is known to answer. */
async function adopted({ execute }: { execute: Execute }, count: number) {
  await expect.poll(async () => (await namesIn(execute)).length, { timeout: 30_000 }).toBe(count)
}

async function ended(execute: Execute, rid: string) {
  const record = async () => (await execute(RecordDocument, { rid })).record
  await expect.poll(async () => (await record())?.state, { timeout: 30_000 }).not.toMatch(/QUEUED|RUNNING/)
  return await record()
}

test('data of the legacy system is listed, browsed, recovered and deleted, and the way back stays open', async () => {
  const { own, volumeOf, controller } = await start()
  const { execute } = controller
  await adopted(controller, 2)
  expect(await namesIn(execute)).toEqual([`${SERVER}/${own.name}`, `${SERVER}/${MIRROR}`].sort())
  const named = { app: 'hello', proc: 'web', name: MIRROR }
  const { backup } = await execute(BackupFilesDocument, { ...named, path: 'sub' })
  expect(backup?.files.nodes.map(({ path }) => path)).toEqual(['sub/s'])

  const input = { app: 'hello', proc: 'web', backup: MIRROR }
  const one = (await execute(RecoverDocument, { input: { ...input, files: ['time.log'] } })).recover
  expect(await ended(execute, one.rid)).toMatchObject({ state: 'SUCCESS', reason: null })
  const inFiles = (name: string) => readFileSync(join(volumeOf('data/files'), name), 'utf8')
  expect([inFiles('time.log'), inFiles('other')]).toEqual(['time1\n', 'mine'])
  const full = (await execute(RecoverDocument, { input: { ...input, backup: own.name } })).recover
  expect(await ended(execute, full.rid)).toMatchObject({ state: 'SUCCESS', reason: null })
  expect(readFileSync(join(volumeOf('data/db'), 'table'), 'utf8')).toBe(`row of ${SERVER}\n`)

  const gone = [`${MIRROR}/sub`, own.name]
  const wanted = { app: 'hello', proc: 'web', names: gone }
  const plan = (await execute(DeleteBackupsPlanDocument, wanted)).deleteBackupsPlan
  expect((await execute(DeleteBackupsDocument, { ...wanted, ...plan })).deleteBackups).toEqual(gone)
  await adopted(controller, 1)
  expect((await execute(BackupFilesDocument, named)).backup?.files.nodes.map(({ path }) => path)).toEqual([
    'time.log',
  ])
  const meta = JSON.parse(readFileSync(join(own.namespace, '.meta'), 'utf8'))
  expect(Object.keys(meta)).toEqual([`${volumeOf('data/files')}@increment`])
})

test('a rebuild finds the backups of a dead server, and restores a lost catalog', async () => {
  const { folder, dead, volumeOf, options, controller } = await start()
  const { execute } = controller
  await adopted(controller, 2)
  const { rebuildCatalog } = await execute(RebuildCatalogDocument, { dryRun: false })
  expect(rebuildCatalog.namespaces).toMatchObject([
    { ip: SERVER, unchanged: 2, error: null },
    { ip: DEAD, added: 2, unknown: { count: 0 }, error: null },
  ])
  const input = { app: 'hello', proc: 'web', backup: dead.name, server: DEAD, to: 1, volume: '/data/db' }
  const { migrate } = await execute(MigrateDocument, { input })
  expect(await ended(execute, migrate.rid)).toMatchObject({ state: 'SUCCESS', reason: null })
  expect(readFileSync(join(volumeOf('data/db'), 'table'), 'utf8')).toBe(`row of ${DEAD}\n`)

  const before = await execute(BackupsDocument, {})
  await controller.close()
  rmSync(join(folder, 'controller'), { recursive: true })
  const again = await startTestController(options())
  await adopted(again, 2)
  await again.execute(RebuildCatalogDocument, { dryRun: false })
  expect(await again.execute(BackupsDocument, {})).toEqual(before)
})
