import { expect, test } from 'vitest'
import { listFiles } from '../../src/domain/backups.ts'
import { rebuildCatalog } from '../../src/domain/catalog.ts'
import { NamespaceReaders } from '../../src/domain/namespace-readers.ts'
import { pollDue } from '../../src/domain/servers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { handClock } from '../support/hand-clock.ts'

const LIVING = Array.from({ length: 30 }, (_, at) => `10.0.0.${at + 1}`)
const DEAD = Array.from({ length: 20 }, (_, at) => `10.0.9.${at + 1}`)
const hello = given.app('hello').proc('web')

/** A fleet in which the daemons from `firstReader` on have the backups of the dead servers in their store. */
async function fleet({ firstReader }: { firstReader: number }) {
  const kit = await hello
    .on(...LIVING)
    .volume('/data/db')
    .inMemory()
  while ([...kit.world.servers.values()].some(({ debug }) => debug === null)) {
    kit.clock.move(100)
    pollDue(kit.world)
    await kit.world.background.settled()
  }
  const backups = DEAD.map((server) => sampleBackup({ server }))
  const all = LIVING.map((ip) => kit.daemons.at(ip))
  for (const daemon of all.slice(firstReader)) daemon.backups = backups
  for (const daemon of all) daemon.asked = []
  const count = (question: string) =>
    all.flatMap(({ asked }) => asked).filter((asked) => asked === question).length
  const rebuild = async () => {
    const rebuilt = await rebuildCatalog(kit.world, { dryRun: false, forget: [] })
    if ('refused' in rebuilt) throw new Error(rebuilt.message)
    return rebuilt.filter(({ ip }) => DEAD.includes(ip))
  }
  return { ...kit, all, backups, count, rebuild }
}

test.for([
  ['all daemons', 0],
  ['one daemon', LIVING.length - 1],
] as const)('a rebuild asks one daemon about each dead server that %s can read', async ([, firstReader]) => {
  const kit = await fleet({ firstReader })
  expect(await kit.rebuild()).toMatchObject(DEAD.map(() => ({ added: 1, error: null })))
  expect(kit.count('namespaces')).toBe(LIVING.length)
  expect(kit.count('backups')).toBe(LIVING.length + DEAD.length)
})

test('a rebuild asks a few daemons about dead servers that none can read', async () => {
  const kit = await fleet({ firstReader: 0 })
  await kit.rebuild()
  for (const daemon of kit.all) Object.assign(daemon, { backups: [], asked: [] })
  expect(await kit.rebuild()).toMatchObject(DEAD.map(() => ({ removed: 0, error: expect.any(String) })))
  expect(kit.count('backups')).toBeLessThanOrEqual(LIVING.length + 3 * DEAD.length)
})

test('what the daemon of a server answers counts, also if others could say more', async () => {
  const kit = await fleet({ firstReader: 0 })
  const [ip = ''] = LIVING
  const backup = sampleBackup({ server: ip, name: 'only others have it' })
  for (const daemon of kit.all.slice(1)) daemon.backups = [backup]
  const read = listFiles(kit.world, backup, { path: '', after: null, limit: 10 })
  await expect(read).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(kit.count('files')).toBe(1)
})

test('the daemon that answered about a dead server is asked the next time', async () => {
  const kit = await fleet({ firstReader: 5 })
  const [backup] = kit.backups
  if (!backup) throw new Error('there is no backup')
  const read = () => listFiles(kit.world, backup, { path: '', after: null, limit: 10 })
  await read()
  const first = kit.all.filter(({ asked }) => asked.includes('files'))
  for (let again = 0; again < 5; again++) await read()
  expect(kit.all.filter(({ asked }) => asked.includes('files'))).toEqual(first)
  expect([kit.count('files'), kit.count('namespaces')]).toEqual([6, 8])
  for (const daemon of first) daemon.down = true
  expect((await read()).files).toHaveLength(1)
})

test('what a daemon could read counts no more when it does not answer', async () => {
  const clock = handClock()
  let isDown = false
  const ask = async () => {
    if (isDown) throw new Error('down')
    return { namespaces: ['10.0.9.1'] }
  }
  const readers = new NamespaceReaders({ ask } as never, clock)
  await readers.readFolders('10.0.0.1', 1000)
  expect(readers.listReaders('10.0.9.1', ['10.0.0.1'])).toEqual(['10.0.0.1'])
  isDown = true
  clock.move(1001)
  await expect(readers.readFolders('10.0.0.1', 1000)).rejects.toThrow('down')
  expect(readers.listReaders('10.0.9.1', ['10.0.0.1'])).toEqual([])
})

test('nothing is forgotten on the word of daemons that do not find their own folder', async () => {
  const kit = await fleet({ firstReader: 0 })
  await kit.rebuild()
  for (const daemon of kit.all)
    Object.assign(daemon, { backups: [], debug: { ...daemon.debug, ip: 'another folder' } })
  const [dead = ''] = DEAD
  kit.clock.move(3_600_000)
  const forgotten = await rebuildCatalog(kit.world, { dryRun: false, forget: [dead] })
  expect(JSON.stringify(forgotten)).toContain('does not find its own folder')
  expect(await kit.catalog.backups.namespaces()).toContain(dead)
})

test('a dead server is forgotten with one question to each daemon', async () => {
  const kit = await fleet({ firstReader: 0 })
  await kit.rebuild()
  for (const daemon of kit.all) Object.assign(daemon, { backups: [], asked: [] })
  await rebuildCatalog(kit.world, { dryRun: false, forget: DEAD })
  expect((await kit.catalog.backups.namespaces()).filter((ip) => DEAD.includes(ip))).toEqual([])
  expect(kit.count('namespaces')).toBe(LIVING.length)
  expect(kit.count('backups')).toBeLessThanOrEqual(LIVING.length + 3 * DEAD.length)
})
