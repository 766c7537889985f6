import { expect, test } from 'vitest'
import { verifyBackup } from '../../src/domain/verify-backup.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const [ONE, TWO] = ['10.0.0.1', '10.0.0.2'] as const
const NAME = sampleBackup().name
const BACKUP = { app: 'hello', proc: 'web', name: NAME }

async function twoServers() {
  const kit = await given.app('hello').proc('web').on(ONE, TWO).volume('/data/db').withBackups(1).inMemory()
  return { ...kit, one: kit.daemons.at(ONE), two: kit.daemons.at(TWO) }
}

test('the daemon in whose namespace the backup lies verifies it, under the rid of its record', async () => {
  const { world, one, two, catalog } = await twoServers()
  const record = await verifyBackup(world, BACKUP)
  const args = { app: 'hello', proc: 'hello.web.web', backup: NAME, namespace: ONE }
  expect(record).toMatchObject({ state: 'queued', action: 'backup_verify', server: ONE, args })
  expect(one.verifies).toEqual([{ rid: 'rid' in record ? record.rid : '', ...args }])
  expect(two.verifies).toEqual([])
  const { items } = await catalog.records.find({}, { first: 10 })
  expect(items.map(({ node }) => node.action)).toContain('backup_verify')
})

test('a backup that does not exist is refused, and no record is made', async () => {
  const { world, one, catalog } = await twoServers()
  expect(await verifyBackup(world, { ...BACKUP, name: 'nope' })).toMatchObject({
    refused: 'NOT_FOUND',
  })
  expect(one.verifies).toEqual([])
  expect((await catalog.records.find({ action: 'backup_verify' }, { first: 10 })).items).toEqual([])
})

test('a daemon that cannot verify backups fails the record with its refusal', async () => {
  const { world, one, catalog } = await twoServers()
  one.refusal = new BackupdError('DAEMON_REFUSED', 'The daemon on 10.0.0.1 cannot verify backups')
  await expect(verifyBackup(world, BACKUP)).rejects.toMatchObject({ code: 'DAEMON_REFUSED' })
  expect((await catalog.records.find({ action: 'backup_verify' }, { first: 10 })).items).toMatchObject([
    { node: { state: 'failed', error: { code: 'DAEMON_REFUSED' } } },
  ])
})
