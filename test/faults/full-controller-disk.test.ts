import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, onTestFinished } from 'vitest'
import { openCatalog } from '../../src/catalog/catalog.ts'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import { toFileError } from '../../src/catalog/file-error.ts'
import { locateBackup } from '../../src/domain/backups.ts'
import { deleteBackups } from '../../src/domain/delete-backups.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { MIN_FREE_BYTES } from '../../src/lib/data-room.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { askGraphQL, startTestController, testFolder, toldInventory } from '../support/real-controller.ts'
import { silentLog } from '../support/silent-log.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'

const hello = given.app('hello').proc('web')

const IP = '10.0.0.1'
const NAME = sampleBackup().name
const MIB = 1024 * 1024
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))

/** Writes until nothing more goes. */
function fill(dir: string): void {
  for (const size of [MIB, 4096]) {
    try {
      for (let n = 0; ; n++) writeFileSync(join(dir, `fill-${size}-${n}`), Buffer.alloc(size))
    } catch {}
  }
}

function makeRoom(dir: string): void {
  for (const name of readdirSync(dir).filter((each) => each.startsWith('fill'))) rmSync(join(dir, name))
}

itMounts('a delete that a full disk keeps out of the catalog is found out with the next poll', async () => {
  const { dir } = smallFileSystem(16 * 1024)
  const hello = given.app('hello').proc('web').on(IP).volume('/data/db')
  const { world, daemons, clock } = await hello.withBackups(1).inMemory({ folder: dir })
  const daemon = daemons.at(IP)
  const whole = { app: 'hello', proc: 'web', name: NAME }
  expect(await locateBackup(world, whole)).toMatchObject({ name: NAME })
  const remove = () => deleteBackups(world, { app: 'hello', proc: 'web', names: [NAME], needsNoPlan: true })
  fill(dir)
  await expect(remove()).rejects.toMatchObject({ message: expect.stringMatching(/^Nothing was done/) })
  expect(daemon.backups).toHaveLength(1)
  makeRoom(dir)
  // It fills up after the audit has the delete.
  const { deleteBackups: ask } = world.ports.daemon
  world.ports.daemon.deleteBackups = (...args) => {
    fill(dir)
    return ask(...args)
  }
  await expect(remove()).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/disk or quota is full\. The catalog was not changed. Free some room/),
  })
  expect(daemon.backups).toEqual([])
  makeRoom(dir)
  clock.move(POLL_EVERY_MS)
  pollDue(world)
  await world.background.settled()
  expect(await locateBackup(world, whole)).toMatchObject({ refused: 'NOT_FOUND' })
})

itMounts('a controller whose disk is full writes on from its reserve, and starts again with it', async () => {
  const { dir } = smallFileSystem((MIN_FREE_BYTES / 1024) * 1.5)
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  const options = { folder: await testFolder(), dataDir: join(dir, 'data'), inventory }
  const first = await startTestController(options)
  expect(readdirSync(options.dataDir)).toContain('reserve')
  await first.close()
  fill(dir)
  const { url } = await startTestController(options)
  expect(readdirSync(options.dataDir)).not.toContain('reserve')
  const { data } = await askGraphQL<{ jobs: { id: string }[] }>(url, '{ jobs { id } }')
  expect(data?.jobs.length).toBeGreaterThan(0)
  expect((await fetch(`${url}/healthz`)).status).toBe(503)
})

itMounts('a controller that finds no room for its lock says so, and starts once there is room', async () => {
  const { dir } = smallFileSystem(16 * 1024)
  const options = { folder: await testFolder(), dataDir: join(dir, 'data') }
  fill(dir)
  await expect(startTestController(options)).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
  makeRoom(dir)
  await (await startTestController(options)).close()
  rmSync(join(options.dataDir, 'reserve'), { force: true })
  fill(dir)
  await expect(startTestController(options)).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/catalog\.(lock|db) cannot grow: its disk or quota is full/),
  })
  makeRoom(dir)
  await startTestController(options)
})

itMounts(
  'news that a full disk keeps out of the catalog is refused with the reason, and taken later',
  async () => {
    const { dir } = smallFileSystem(32 * 1024)
    const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
    const { url } = await startTestController({
      folder: await testFolder(),
      dataDir: join(dir, 'data'),
      inventory,
    })
    const records = Array.from({ length: 100 }, (_, at) => {
      return sampleRecord({ rid: ridOf(at), server: '127.0.0.1', jobId: '', reason: 'x'.repeat(60_000) })
    })
    const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: '127.0.0.1', records, running: [] })
    const headers = { 'content-type': 'application/json' }
    const post = () => fetch(`${url}/api/v2/system/notify`, { method: 'POST', headers, body })
    fill(dir)
    const refused = await post()
    expect([refused.status, refused.headers.get('x-backupd-error-code')]).toEqual([503, 'CATALOG_UNUSABLE'])
    expect(await refused.json()).toMatch(
      /its disk or quota is full\. The catalog was not changed\. Free some room/,
    )
    makeRoom(dir)
    expect((await post()).status).toBe(200)
  },
)

itMounts('a catalog write that finds the disk full is done once more after room was made', async () => {
  const { dir } = smallFileSystem(16 * 1024)
  let made = 0
  const onDiskFull = () => {
    made += 1
    makeRoom(dir)
  }
  const options = { dataDir: dir, copyDir: join(dir, 'copies'), log: silentLog, clock: systemClock }
  const catalog = await openCatalog({ ...options, onDiskFull })
  onTestFinished(() => catalog.close())
  fill(dir)
  const facts = { text: 'x'.repeat(MIB) }
  await catalog.audit.write({ at: '2026-11-29T00:00:00Z', who: 'test', verb: 'v', facts, outcome: 'done' })
  expect(made).toBe(1)
})

itMounts('an I/O error counts as a full disk or quota if nothing more can be written', async () => {
  const { dir } = smallFileSystem(1024)
  const failed = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
  const file = join(dir, 'catalog.db')
  expect(toFileError(failed, file)?.message).toMatch(/reports an error/)
  fill(dir)
  expect(toFileError(failed, file)?.message).toMatch(/its disk or quota is full/)
})

itMounts('the copy before an upgrade that finds no room leaves nothing behind', async () => {
  const { dir } = smallFileSystem(16 * 1024)
  const file = join(dir, 'catalog.db')
  const migrations = join(await testFolder(), 'migrations')
  const names = readdirSync(MIGRATIONS).toSorted()
  for (const name of names.slice(0, -1))
    cpSync(join(MIGRATIONS, name), join(migrations, name), { recursive: true })
  await openCatalogDatabase(file, { log: silentLog, clock: systemClock, migrations }).$disconnect()
  const database = new Database(file)
  const insert = database.prepare('INSERT INTO Meta (key, value) VALUES (?, ?)')
  for (let n = 0; n < 2000; n++) insert.run(`key ${n}`, 'x'.repeat(1000))
  database.close()
  fill(dir)
  rmSync(join(dir, 'fill-1048576-0'))
  const open = () => openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  expect(open).toThrow(
    expect.objectContaining({ code: 'CATALOG_UNUSABLE', message: expect.stringContaining('is full') }),
  )
  expect(readdirSync(dir).filter((name) => name.includes('.before-'))).toEqual([])
  makeRoom(dir)
  await open().$disconnect()
  expect(readdirSync(dir).filter((name) => name.includes('.before-'))).toHaveLength(1)
})
