import { expect, test } from 'vitest'
import { recoverElsewhere } from '../../src/domain/recover-elsewhere.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import { callerWith } from '../support/callers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const OTHER = '10.0.0.2'
const hello = given.app('hello').proc('web').on(IP, OTHER).volume('/data/db').withBackups(1)

async function* pagesOf(page: BackupInfo[]): AsyncGenerator<BackupInfo[]> {
  yield page
}

async function start() {
  const filled = await hello
    .daemon(IP, { capabilities: [...CAPABILITIES] })
    .daemon(OTHER, { capabilities: [...CAPABILITIES] })
    .inMemory()
  const { items } = await filled.world.ports.backups.find({}, { first: 1 })
  const name = items[0]?.node.name ?? ''
  const options = {
    backup: { app: 'hello', proc: 'web', name },
    inUse: 'refuse',
    toDirectory: '/srv/restored/db',
  } as const
  return { ...filled, options, name }
}

test('restorers of the app may, and others may not', async () => {
  const { world, options } = await start()
  for (const [role, apps] of [
    ['viewer', null],
    ['operator', null],
    ['restorer', ['shop']],
  ] as const) {
    const refused = await recoverElsewhere(asCaller(world, callerWith(role, apps)), options)
    expect(refused).toMatchObject({ refused: apps === null ? 'NOT_PERMITTED' : 'NOT_FOUND' })
  }
  const record = await recoverElsewhere(asCaller(world, callerWith('restorer', ['hello'])), options)
  expect(record).toMatchObject({
    action: 'backup_recover_elsewhere',
    server: IP,
    args: { destDir: '/srv/restored/db', namespace: IP },
  })
  const { items } = await world.ports.audit.find({}, { first: 10 })
  expect(items.map(({ node }) => node)).toContainEqual(
    expect.objectContaining({
      verb: 'recover',
      facts: expect.objectContaining({ toDirectory: '/srv/restored/db', toServer: null }),
    }),
  )
})

test('a forged manifest does not open the backups of another app', async () => {
  const { world, daemons, options, name } = await start()
  // The name is that of a volume of `hello`; whoever can write to the store made it a backup of `shop`.
  const forged = name.replace('1795', '1796')
  const sample = sampleBackup({ server: IP, name: forged, app: 'shop', proc: 'shop.web.web' })
  await world.ports.backups.reconcile(IP, pagesOf([sample]), false)
  const backup = { app: 'shop', proc: 'web', name: forged }
  const asShop = asCaller(world, callerWith('restorer', ['shop']))
  const refused = await recoverElsewhere(asShop, { ...options, backup })
  expect(refused).toMatchObject({ refused: 'NOT_FOUND' })
  expect(daemons.at(IP).recovers).toEqual([])
})

test('another server of the inventory may be named, and only such a one', async () => {
  const { world, daemons, options } = await start()
  const admin = asCaller(world, callerWith('restorer', null))
  expect(await recoverElsewhere(admin, { ...options, toServer: '10.9.9.9' })).toMatchObject({
    refused: 'NOT_FOUND',
  })
  expect(await recoverElsewhere(admin, { ...options, toServer: OTHER })).toMatchObject({ server: OTHER })
  expect(daemons.at(OTHER).recovers).toMatchObject([
    { namespace: IP, destDir: '/srv/restored/db', elsewhere: true, files: null },
  ])
})

test('a backup whose app left the inventory is recovered on its server, not on one that its restorers do not see', async () => {
  const { world, options } = await start()
  const name = 'old-old.web.web-1-data-db-1795425846.tar.gz'
  const orphan = sampleBackup({ server: IP, name, app: 'old', proc: 'old.web.web' })
  await world.ports.backups.reconcile(IP, pagesOf([orphan]), false)
  const restorer = asCaller(world, callerWith('restorer', ['old']))
  const wanted = { ...options, backup: { app: 'old', proc: 'web', name } }
  expect(await recoverElsewhere(restorer, { ...wanted, toServer: OTHER })).toMatchObject({
    refused: 'NOT_FOUND',
  })
  expect(await recoverElsewhere(restorer, wanted)).toMatchObject({ server: IP })
})
