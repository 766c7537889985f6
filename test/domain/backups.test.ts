import { expect, test } from 'vitest'
import { isOrphaned, listFiles, locateBackup } from '../../src/domain/backups.ts'
import { rebuildCatalog } from '../../src/domain/catalog.ts'
import { deleteBackups } from '../../src/domain/delete-backups.ts'
import { fullProcName } from '../../src/domain/procs.ts'
import { migrate, recover } from '../../src/domain/recover.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web')

const [ONE, TWO] = ['10.0.0.1', '10.0.0.2'] as const
const NAME = sampleBackup().name
const OTHER = 'hello-hello.web.web-1-data-db-1795425847.tar.gz'

/** hello.web.web on both servers, two backups in the folder of the first. */
async function twoServers() {
  const kit = await hello.on(ONE, TWO).volume('/data/db').withBackups(2).inMemory()
  return { ...kit, one: kit.daemons.at(ONE), two: kit.daemons.at(TWO) }
}

const whole = { app: 'hello', proc: 'web', name: NAME }
const unplanned = { app: 'hello', proc: 'web', needsNoPlan: true }

test('a backup is found by the short and the full name of its proc', async () => {
  const { world } = await twoServers()
  expect(await locateBackup(world, whole)).toMatchObject({ name: NAME, server: ONE })
  expect(await locateBackup(world, { ...whole, proc: 'hello.web.web' })).toMatchObject({ name: NAME })
  for (const wrong of [{ name: 'nope' }, { proc: 'api' }, { app: 'other' }, { server: TWO }]) {
    expect(await locateBackup(world, { ...whole, ...wrong })).toMatchObject({ refused: 'NOT_FOUND' })
  }
})

test('a name that exists on two servers needs the server', async () => {
  const { world, two } = await twoServers()
  two.backups = [sampleBackup({ server: TWO })]
  await rebuildCatalog(world, { dryRun: false, forget: [] })
  expect(await locateBackup(world, whole)).toMatchObject({
    refused: 'CONFLICT',
    facts: { servers: [ONE, TWO] },
  })
  expect(await locateBackup(world, { ...whole, server: TWO })).toMatchObject({ server: TWO })
})

test('deleting removes backups from the store and from the catalog', async () => {
  const { world, one } = await twoServers()
  expect(await deleteBackups(world, { ...unplanned, names: [NAME, NAME] })).toEqual([NAME])
  expect(one.backups.map(({ name }) => name)).toEqual([OTHER])
  expect(await locateBackup(world, whole)).toMatchObject({ refused: 'NOT_FOUND' })
})

test('deleting a file inside a mirror keeps the mirror, and reads the list again', async () => {
  const { world, one } = await twoServers()
  const mirror = { ...whole, name: 'hello-hello.web.web-1-data-db' }
  one.backups = [...one.backups, sampleBackup({ name: mirror.name, mode: 'increment', series: null })]
  await rebuildCatalog(world, { dryRun: false, forget: [] })
  one.asked.length = 0
  const names = [`${mirror.name}/sub/file`]
  expect(await deleteBackups(world, { ...unplanned, names })).toEqual(names)
  await world.background.settled()
  expect(one.asked.filter((question) => question === 'backups')).toHaveLength(1)
  expect(await locateBackup(world, mirror)).not.toHaveProperty('refused')
  one.asked.length = 0
  await deleteBackups(world, { ...unplanned, names: [NAME] })
  await world.background.settled()
  expect(one.asked).not.toContain('backups')
})

test.for([
  [
    'a path that leads out',
    'hello-hello.web.web-1-data-files/../../x',
    'BAD_INPUT',
    /is not the name of a backup/,
  ],
  ['a name with a zero byte', 'hello-hello.web.web-1\0', 'BAD_INPUT', /is not the name of a backup/],
  ['a dot name', '.owner', 'BAD_INPUT', /is not the name of a backup/],
  [
    "another app's",
    'other-other.web.web-1-x-1.tar.gz',
    'FORBIDDEN',
    /"other-other.* does not belong to hello.web.web of hello/,
  ],
  ['one that does not exist', 'hello-hello.web.web-1-data-db-1.tar.gz', 'NOT_FOUND', /There is no backup/],
] as const)(
  'deleting %s is refused, with all other names of the request',
  async ([, name, refused, message]) => {
    const { world, one } = await twoServers()
    const answer = await deleteBackups(world, { ...unplanned, names: [NAME, name] })
    expect(answer).toMatchObject({ refused, message: expect.stringMatching(message) })
    expect(one.asked).not.toContain('delete')
    expect(one.backups).toHaveLength(2)
  },
)

test('recover uses the path of the inventory, whatever the catalog says about the backup', async () => {
  const { world, one } = await twoServers()
  one.backups = one.backups.map((backup) => ({ ...backup, source: '/etc', volume: '/x', instanceNo: 9 }))
  await rebuildCatalog(world, { dryRun: false, forget: [] })
  const record = await recover(world, { backup: whole, inUse: 'refuse' })
  expect(record).toMatchObject({ action: 'backup_recover', server: ONE, state: 'queued' })
  expect(one.recovers).toMatchObject([
    {
      name: NAME,
      namespace: ONE,
      destDir: '/data/lain/volumes/hello/hello.web.web/1/data/db',
      proc: 'hello.web.web',
      files: null,
      inUse: 'refuse',
    },
  ])
})

test('a recover and a migrate have the hooks and containers of the volume that they replace', async () => {
  const kit = await twoServers()
  const recoverHooks = { pre_recover: { command: 'stop.sh' } }
  await kit.take(hello.on(ONE, TWO).volume('/data/db', { recoverHooks }).inventory())
  await recover(kit.world, { backup: whole, inUse: 'refuse' })
  const hooks = { ...recoverHooks, volume: '/data/db' }
  expect(kit.one.recovers).toMatchObject([{ hooks: { ...hooks, containers: ['c1'] } }])
  await migrate(kit.world, { backup: whole, to: 2, volume: '/data/db', inUse: 'refuse' })
  expect(kit.two.recovers).toMatchObject([{ hooks: { ...hooks, containers: ['c2'] } }])
})

test('migrate writes to the volume of the other instance, and the backup stays where it is', async () => {
  const { world, one, two } = await twoServers()
  await migrate(world, { backup: whole, to: 2, volume: '/data/db', files: ['a'], inUse: 'proceed' })
  expect(one.recovers).toEqual([])
  expect(two.recovers).toMatchObject([
    {
      namespace: ONE,
      destDir: '/data/lain/volumes/hello/hello.web.web/2/data/db',
      files: ['a'],
      inUse: 'proceed',
    },
  ])
})

test.for([
  ['an unknown backup', { backup: { ...whole, name: 'x' } }, 'NOT_FOUND'],
  ['an unknown instance', { to: 9 }, 'NOT_FOUND'],
  ['an unknown volume', { volume: '/nope' }, 'NOT_FOUND'],
  ['a snapshot of a full backup', { snapshot: 's1' }, 'BAD_INPUT'],
  ['an empty list of files', { files: [] }, 'BAD_INPUT'],
] as const)('migrating %s is refused and leaves no record', async ([, wrong, refused]) => {
  const { world, catalog } = await twoServers()
  const wish = { backup: whole, to: 2, volume: '/data/db', inUse: 'refuse' as const, ...wrong }
  expect(await migrate(world, { ...wish, files: wrong && 'files' in wrong ? [] : undefined })).toMatchObject({
    refused,
  })
  expect((await catalog.records.count({})).count).toBe(0)
})

test('backups of a dead server are read through another daemon of the same store', async () => {
  const { world, one, two } = await twoServers()
  const backup = await locateBackup(world, whole)
  if ('refused' in backup) throw new Error(backup.message)
  one.down = true
  await expect(listFiles(world, backup, { path: '', after: null, limit: 10 })).rejects.toMatchObject({
    code: 'DAEMON_UNREACHABLE',
  })
  two.backups = [backup]
  expect((await listFiles(world, backup, { path: 'sub', after: null, limit: 10 })).files).toMatchObject([
    { path: 'sub/a.txt' },
  ])
})

test('a rebuild counts first, then changes; a server that is down loses nothing', async () => {
  const { world, one, two, catalog } = await twoServers()
  two.down = true
  one.backups = [
    sampleBackup({ size: 5 }),
    sampleBackup({ name: 'hello-hello.web.web-1-data-db-3.tar.gz', sequence: 3 }),
  ]
  const counts = { ip: ONE, added: 1, updated: 1, removed: 1, unchanged: 0, error: null }
  const down = { ip: TWO, added: 0, removed: 0, error: 'Cannot reach the daemon on 10.0.0.2' }
  expect(await rebuildCatalog(world, { dryRun: true, forget: [] })).toMatchObject([counts, down])
  expect(await locateBackup(world, { ...whole, name: OTHER })).toMatchObject({ name: OTHER })
  expect(await rebuildCatalog(world, { dryRun: false, forget: [] })).toMatchObject([counts, down])
  expect(await locateBackup(world, { ...whole, name: OTHER })).toMatchObject({ refused: 'NOT_FOUND' })
  one.down = true
  await rebuildCatalog(world, { dryRun: false, forget: [] })
  expect((await catalog.backups.count({ server: ONE })).count).toBe(2)
})

test('a rebuilt catalog has the backups of dead and of forgotten servers', async () => {
  const { world, one, two } = await twoServers()
  const dead = sampleBackup({ server: '10.0.0.9' })
  two.backups = [dead]
  two.namespaces = ['10.0.0.8']
  two.unknown.set('10.0.0.9', { count: 3, names: ['a', 'b', 'c'] })
  expect(await rebuildCatalog(world, { dryRun: false, forget: [] })).toMatchObject([
    { ip: ONE, unchanged: 2, unknown: { count: 0 }, error: null },
    { ip: TWO, error: null },
    { ip: '10.0.0.8', added: 0, unknown: null, error: null },
    { ip: '10.0.0.9', added: 1, unknown: { count: 3, names: ['a', 'b', 'c'] }, error: null },
  ])
  expect(await locateBackup(world, { ...whole, server: '10.0.0.9' })).toEqual(dead)
  const wish = {
    backup: { ...whole, server: '10.0.0.9' },
    inUse: 'refuse' as const,
    to: 2,
    volume: '/data/db',
  }
  expect(await migrate(world, wish)).toMatchObject({ server: TWO, state: 'queued' })
  expect(two.recovers).toMatchObject([{ namespace: '10.0.0.9', name: NAME }])
  // No daemon can read it any more either; the catalog keeps its entries.
  two.backups = []
  expect((await rebuildCatalog(world, { dryRun: false, forget: [] })) as object[]).toMatchObject([
    { ip: ONE },
    { ip: TWO },
    { ip: '10.0.0.8' },
    { ip: '10.0.0.9', removed: 0, error: expect.stringContaining('Cannot reach the daemon on') },
  ])
  expect(await locateBackup(world, { ...whole, server: '10.0.0.9' })).toEqual(dead)
  expect(one.asked).not.toContain('delete')
})

test('the backup of a volume that left the inventory is orphaned, and can be migrated', async () => {
  const { world, take } = await twoServers()
  await take(hello.on(ONE, TWO).volumes('/data/db', '/logs').inventory())
  await take(hello.on(ONE, TWO).volume('/logs').inventory())
  const backup = await locateBackup(world, whole)
  if ('refused' in backup) throw new Error(backup.message)
  expect(isOrphaned(world, backup)).toBe(true)
  expect(await recover(world, { backup: whole, inUse: 'refuse' })).toMatchObject({
    refused: 'NOT_FOUND',
    message: expect.stringContaining('Migrate it to a volume of the inventory'),
  })
  const wish = { backup: whole, inUse: 'refuse' as const, to: 1, volume: '/logs', confirmVolume: '/logs' }
  expect(await migrate(world, wish)).toMatchObject({ state: 'queued' })
})

test('a short name of two procs is refused', async () => {
  const { world, take } = await twoServers()
  await take(hello.on(ONE).volume('/data/db').proc('hello.worker.web').inventory())
  expect(() => fullProcName(world, 'hello', 'web')).toThrow(
    '"web" means hello.web.web and hello.worker.web: write the full name',
  )
  expect(fullProcName(world, 'hello', 'hello.worker.web')).toBe('hello.worker.web')
  expect(fullProcName(world, 'gone', 'web')).toBe('gone.web.web')
})
