import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backupPlugin } from '../../../../src/engine/plugins/backup/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { BackupdError, messageOf } from '../../../../src/lib/errors.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import { claimVolume } from '../../../../src/volume/swap/volume-claim.ts'
import { given } from '../../../support/given.ts'
import { backupArgs, SERVER } from '../../../support/plugin-args.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

test('a full backup has a result and a manifest, and leaves nothing else in the store', async () => {
  const world = await shop.plugins()
  writeFileSync(`${world.volume}/file`, 'content')
  const { state, reason, result } = await world.backUp()
  expect({ state, reason }).toEqual({ state: 'success', reason: '' })
  const name = result.file ?? ''
  expect(world.objects()).toEqual([name, `${name}.index.gz`, `${name}.manifest.json`])
  const manifest = (await world.store.findArchive(SERVER, name))?.manifest
  expect(manifest).toMatchObject({
    source: world.volume,
    files: 1,
    bytes: 7,
    state: 'success',
    size: result.size,
    suspect: null,
  })
  expect(result.backup).toMatchObject({ name, size: result.size, sha256: manifest?.sha256 })
})

test.each([
  [{ path: 'relative' }, 'expected an absolute path'],
  [{ path: '/data/../etc' }, 'expected an absolute path'],
  [{ path: '/' }, 'cannot be a volume'],
  [{ instanceNo: 'many' }, 'instanceNo'],
])('args are refused: %j', (change, message) => {
  expect(() => backupPlugin.parseArgs({ ...backupArgs('/data/db'), ...change })).toThrow(message)
})

test('the engine is told which path the run needs', () => {
  const settings = {} as Parameters<typeof backupPlugin.needs>[1]
  expect(backupPlugin.needs(backupPlugin.parseArgs(backupArgs('/data/db/')), settings)).toEqual(['/data/db'])
})

test('a missing volume, a file, a forbidden path, and a link to elsewhere are refused', async () => {
  const world = await shop.plugins()
  writeFileSync(`${world.volumeRoot}/file`, '')
  symlinkSync('/etc', `${world.volumeRoot}/link`)
  const codeOf = (path: string) => world.backUp({ path }).catch((error: BackupdError) => error.code)
  expect(await codeOf(`${world.volumeRoot}/none`)).toBe('VOLUME_MISSING')
  expect(await codeOf(`${world.volumeRoot}/file`)).toBe('VOLUME_MISSING')
  expect(await codeOf('/etc')).toBe('FORBIDDEN')
  expect(await codeOf(`${world.volumeRoot}/link`)).toBe('FORBIDDEN')
  expect(await codeOf(world.base)).toBe('FORBIDDEN')
  expect(world.objects()).toEqual([])
})

test('a volume that holds the store is refused', async () => {
  const world = await shop.plugins()
  const settings = { allowPaths: [world.base] }
  const change = { settings: { ...world.settings, ...settings } }
  await expect(world.backUp({ path: world.base }, change)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining('store'),
  })
})

test('a volume inside the store or the data directory is refused, in a recover too', async () => {
  const world = await shop.plugins()
  writeFileSync(`${world.volume}/file`, 'x')
  const name = (await world.backUp()).result.file ?? ''
  const change = { settings: { ...world.settings, allowPaths: [world.base] } }
  const before = world.objects()
  for (const [path, what] of [
    [join(world.storeDir, SERVER), 'store'],
    [join(world.dataDir, 'recovers'), 'data directory'],
  ] as const) {
    const refusal = { code: 'FORBIDDEN', message: expect.stringContaining(`is inside the ${what}`) }
    await expect(world.backUp({ path }, change)).rejects.toMatchObject(refusal)
    await expect(world.recover(name, { destDir: path }, change)).rejects.toMatchObject(refusal)
  }
  expect(world.objects()).toEqual(before)
})

test('a suddenly empty volume is partial and suspect, until it is filled again', async () => {
  const world = await shop.plugins()
  expect(await world.backUp()).toMatchObject({ state: 'success', result: { backup: { suspect: null } } })
  writeFileSync(`${world.volume}/file`, 'content')
  expect((await world.backUp()).state).toBe('success')
  rmSync(`${world.volume}/file`)
  for (const _ of ['the first time', 'and again']) {
    const empty = await world.backUp()
    expect(empty).toMatchObject({ state: 'partial', reason: expect.stringContaining('the volume is empty') })
    expect(empty.result.backup?.suspect).toBe(empty.reason)
    expect(empty.warnings).toEqual([empty.reason])
  }
  writeFileSync(`${world.volume}/file`, 'content')
  expect(await world.backUp()).toMatchObject({ state: 'success', result: { backup: { suspect: null } } })
})

test.skipIf(!canMount)('a volume that is suddenly another mount is suspect (needs mounts)', async () => {
  const world = await shop.plugins()
  const unmount = mountTmpfs(world.volume)
  onTestFinished(unmount)
  writeFileSync(`${world.volume}/file`, 'content')
  expect((await world.backUp()).state).toBe('success')
  unmount()
  writeFileSync(`${world.volume}/stray`, 'written into the empty mount point')
  for (const _ of ['the first time', 'and again']) {
    expect(await world.backUp()).toMatchObject({
      state: 'partial',
      reason: expect.stringContaining('nothing is mounted'),
    })
  }
  onTestFinished(mountTmpfs(world.volume))
  writeFileSync(`${world.volume}/file`, 'content')
  expect((await world.backUp()).state).toBe('success')
})

test('hooks that are not run make the backup partial, and it says so', async () => {
  const world = await shop.plugins()
  const ran = await world.backUp({ preRun: 'quiesce.sh' })
  expect(ran).toMatchObject({
    state: 'partial',
    reason: expect.stringMatching(/^its hooks were not run: .* without --allow-host-hooks$/),
    result: { backup: { state: 'partial' } },
  })
})

test('a cancelled backup leaves nothing in the store', async () => {
  const world = await shop.plugins()
  for (let n = 0; n < 100; n++) writeFileSync(`${world.volume}/${n}`, `${n}`)
  const cancel = new AbortController()
  const reason = new BackupdError('CANCELLED', 'cancelled')
  const progress = () => cancel.abort(reason)
  await expect(world.backUp({}, { signal: cancel.signal, progress })).rejects.toBe(reason)
  expect(world.objects()).toEqual([])
})

test('a volume of another run is refused', async () => {
  const world = await shop.plugins()
  await using _claim = await claimVolume(world.dataDir, world.volume)
  await expect(world.backUp()).rejects.toMatchObject({
    code: 'CONFLICT',
    facts: { step: 'claim the volume' },
  })
})

test.skipIf(!canMount)(
  'a store that becomes full gives STORE_FULL and keeps nothing (needs mounts)',
  async () => {
    const world = await shop.plugins()
    const small = `${world.base}/small`
    onTestFinished(mountTmpfs(small, 'size=1m'))
    const change = { settings: { ...world.settings, store: { driver: 'local' as const, dir: small } } }
    const store = await openStore(change.settings.store, world.settings, {
      clock: systemClock,
      warn: () => {},
    })
    await store.claim(false)
    writeFileSync(`${world.volume}/noise`, randomBytes(4 << 20))
    await expect(world.backUp({}, change)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(readdirSync(`${small}/${SERVER}`).filter((name) => !name.startsWith('.'))).toEqual([])
  },
)

test.skipIf(!canMount).each(['full', 'increment'] as const)(
  'a store without room for a backup in mode %s says what deleted ones take (needs mounts)',
  async (mode) => {
    const world = await shop.plugins()
    const small = `${world.base}/small`
    onTestFinished(mountTmpfs(small, 'size=8m'))
    const change = { settings: { ...world.settings, store: { driver: 'local' as const, dir: small } } }
    const how = { clock: systemClock, warn: () => {} }
    const store = await openStore(change.settings.store, world.settings, how)
    await store.claim(false)
    await store.preparePassword()
    writeFileSync(`${world.volume}/noise`, randomBytes(1 << 20))
    const { file = '', size = 0 } = (await world.backUp({}, change)).result
    writeFileSync(`${world.volume}/noise`, randomBytes(16 << 20))
    const refused = await world.backUp({ mode }, change).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'STORE_FULL' })
    expect(messageOf(refused)).not.toContain('deleted')

    const reader = { dataDir: world.dataDir, signal: new AbortController().signal, warn: () => {} }
    await store.hide([file], { by: 'ann', windowMs: 86_400_000 }, reader)
    await expect(world.backUp({ mode }, change)).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringMatching(
        /\. 1 deleted backups .* take 1\.0 MiB there: "backupd deleted list --server .*"now: true" frees/,
      ),
      facts: { deletedBytes: size, step: expect.any(String) },
    })
  },
)
