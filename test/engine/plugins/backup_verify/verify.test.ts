import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunContext } from '../../../../src/engine/plugin.ts'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { backupVerifyPlugin } from '../../../../src/engine/plugins/backup_verify/plugin.ts'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { DAY_MS } from '../../../../src/lib/time-units.ts'
import type { Progress } from '../../../../src/wire/record.ts'
import { given } from '../../../support/given.ts'
import { handClock } from '../../../support/hand-clock.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

async function verifyingWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(world.volume, 'large'), randomBytes(2 << 20))
  const verify = (backup: string, change: Partial<RunContext> = {}) => {
    const args = { app: 'shop', proc: 'shop.web.web', backup, namespace: SERVER }
    return runPlugin(backupVerifyPlugin, world.settings, { args, change })
  }
  const fullBackup = async (change: Partial<RunContext> = {}) =>
    String((await world.backUp({}, change)).result.file)
  return { ...world, verify, fullBackup, namespace: join(world.storeDir, SERVER) }
}

function flipByte(path: string): void {
  const content = readFileSync(path)
  const at = content.length >> 1
  content[at] = (content[at] ?? 0) ^ 1
  rmSync(path)
  writeFileSync(path, content)
}

test('a run that proves a backup has the proof and the present backup as its result', async () => {
  const { verify, fullBackup } = await verifyingWorld()
  const name = await fullBackup()
  const progress: Partial<Progress>[] = []
  const ran = await verify(name, { rid: 'run-1', progress: (change) => void progress.push(change) })
  expect(ran).toMatchObject({
    state: 'success',
    reason: '',
    warnings: [],
    result: {
      verification: { method: 'hash', share: 1, problems: [] },
      backup: { name, corrupt: null, proof: { rid: 'run-1', method: 'hash', share: 1 } },
    },
  })
  const { size } = ran.result.backup ?? {}
  expect(progress[0]).toEqual({ phase: 'verify', currentPath: null })
  expect(progress.at(-1)).toEqual({ bytesDone: size, bytesTotal: size })
})

test('a damaged backup fails the run, with the files that are lost', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  flipByte(join(namespace, name))
  await expect(verify(name)).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringMatching(`^Damage in "${name}": The archive is damaged.* such as "large"`),
    facts: { count: 1, files: ['large'] },
  })
})

test('damage that loses no content makes the run partial', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  flipByte(join(namespace, `${name}.index.gz`))
  expect(await verify(name)).toMatchObject({
    state: 'partial',
    reason: expect.stringContaining('the index of the archive is damaged'),
    result: { backup: { name, corrupt: null, proof: { method: 'hash' } } },
  })
})

test('a backup that another run marks meanwhile is not a success', async () => {
  const { verify, fullBackup, namespace } = await verifyingWorld()
  const name = await fullBackup()
  const path = join(namespace, `${name}.manifest.json`)
  const mark = () => {
    const { checksum: _old, ...manifest } = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(
      path,
      JSON.stringify({ ...manifest, corrupt: { at: manifest.created, reason: 'bad disk' } }),
    )
  }
  const progress = ({ phase }: Partial<Progress>) => {
    if (phase === 'verify') mark()
  }
  expect(await verify(name, { progress })).toMatchObject({
    state: 'partial',
    reason: expect.stringContaining('it was read without damage, but stays marked as corrupt: bad disk'),
    result: { backup: { corrupt: 'bad disk', verified: null } },
  })
})

test('a backup that does not exist, and an aborted run, are named as such', async () => {
  const { verify, fullBackup } = await verifyingWorld()
  await expect(verify('shop-shop.web.web-1-data-db-1.tar.gz')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const reason = new BackupdError('CANCELLED', 'Cancelled on request')
  const name = await fullBackup()
  await expect(verify(name, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('a wrong password of increments marks nothing', async () => {
  const { verify, backUp, storeDir, store } = await verifyingWorld()
  await backUp({ mode: 'increment' })
  const file = join(storeDir, '.repository-password')
  const password = readFileSync(file)
  rmSync(file)
  writeFileSync(file, 'wrong', { mode: 0o600 })
  await expect(verify('shop-shop.web.web-1-data-db')).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  writeFileSync(file, password)
  const { backups } = await store.list(SERVER, { limit: 10, after: '' })
  expect(backups).toMatchObject([{ corrupt: null, verified: null }])
})

test('after the newest backup proved corrupt, the good one before it does not expire', async () => {
  const { verify, fullBackup, namespace, settings, volume, store } = await verifyingWorld()
  const clock = handClock()
  const names: string[] = []
  for (let day = 0; day < 3; day++) {
    names.push(await fullBackup({ clock }))
    clock.move(10 * DAY_MS)
  }
  const [, good = '', newest = ''] = names
  flipByte(join(namespace, newest))
  await expect(verify(newest)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  await runPlugin(backupExpirePlugin, settings, { args: { info: [volume, '5d'] }, change: { clock } })
  const { backups } = await store.list(SERVER, { limit: 10, after: '' })
  expect(backups.map(({ name }) => name)).toEqual([good, newest])
})
