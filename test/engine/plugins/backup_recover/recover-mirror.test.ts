import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backupDeletePlugin } from '../../../../src/engine/plugins/backup_delete/plugin.ts'
import { backupFilesPlugin } from '../../../../src/engine/plugins/backup_files/plugin.ts'
import { filePageSchema } from '../../../../src/wire/daemon-api.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../../../support/recorded-store.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { contentOf } from '../../../support/swap-content.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'
import { compareTrees } from '../../../support/tree-compare.ts'
import { makeNastyTree } from '../../../support/tree-make.ts'

const NAME = 'shop-shop.web.web-1-data-db'
/** The server whose namespace has the mirror; no daemon runs there. */
const DEAD = '10.77.0.99'

/** A mirror of the legacy system with everything in it that a tree can have, and a volume that changed since. */
async function makeMirrorWorld(namespace = SERVER) {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const mirror = join(world.storeDir, namespace, NAME)
  mkdirSync(join(world.storeDir, namespace), { recursive: true })
  makeNastyTree(mirror)
  writeFileSync(join(mirror, 'time.log'), 'time1\n')
  const entity = recordedEntity({
    mode: 'increment',
    name: NAME,
    source: world.volume,
    server: namespace,
    size: 0,
  })
  writeRecordedMeta(join(world.storeDir, namespace), [entity])
  writeFileSync(join(world.volume, 'time.log'), 'damaged')
  writeFileSync(join(world.volume, 'since'), 'made since')
  const query = async (args: object) => {
    const asked = { namespace, name: NAME, ...args }
    return filePageSchema.parse(
      (await runPlugin(backupFilesPlugin, world.settings, { args: asked, change: {} })).result,
    )
  }
  return { ...world, mirror, query }
}

test('the whole volume becomes what the mirror is', async () => {
  const { recover, mirror, volume, parent } = await makeMirrorWorld()
  const { state, warnings } = await recover(NAME)
  expect({ state, warnings }).toEqual({ state: 'success', warnings: [] })
  expect(compareTrees(mirror, volume)).toEqual([])
  expect(readdirSync(parent)).toEqual(['db'])
})

test('a plan of it says what a recover then does, and does nothing itself', async () => {
  const { recover, volume } = await makeMirrorWorld()
  const before = contentOf(volume)
  const { state, result } = await recover(NAME, { plan: true })
  expect(contentOf(volume)).toEqual(before)
  expect({ state, plan: result.plan }).toMatchObject({
    state: 'success',
    plan: { overwrite: 1, delete: 1, unchanged: 0 },
  })
  expect(result.plan?.steps).toContainEqual(
    expect.objectContaining({ action: 'overwrite', path: 'time.log' }),
  )
  expect(result.plan?.steps).toContainEqual(expect.objectContaining({ action: 'delete', path: 'since' }))
  await recover(NAME)
  const again = await recover(NAME, { plan: true })
  const unchanged = (result.plan?.create ?? 0) + 1
  expect(again.result.plan).toMatchObject({ create: 0, overwrite: 0, delete: 0, unchanged })
})

test('* puts every file in place and removes nothing, a name puts that file in place', async () => {
  const { recover, volume, mirror } = await makeMirrorWorld()
  expect(await recover(NAME, { files: ['time.log'] })).toMatchObject({ state: 'success', warnings: [] })
  expect(readdirSync(volume).sort()).toEqual(['since', 'time.log'])
  expect(readFileSync(join(volume, 'time.log'), 'utf8')).toBe('time1\n')
  expect(await recover(NAME, { files: ['*'] })).toMatchObject({ state: 'success', warnings: [] })
  expect(compareTrees(mirror, volume, { ignoreRoot: true })).toEqual(['since: not expected'])
})

test('a mirror of a dead server is recovered into another volume', async () => {
  const { recover, mirror, parent } = await makeMirrorWorld(DEAD)
  const destDir = join(parent, 'elsewhere')
  mkdirSync(destDir)
  expect(await recover(NAME, { namespace: DEAD, destDir })).toMatchObject({ state: 'success' })
  expect(compareTrees(mirror, destDir)).toEqual([])
  const made = join(parent, 'made')
  expect(await recover(NAME, { namespace: DEAD, destDir: made, files: ['time.log'] })).toMatchObject({
    state: 'success',
  })
  expect(readdirSync(made)).toEqual(['time.log'])
})

test('its files are listed at any depth, and its links are not followed', async () => {
  const { query, mirror, recover, volume } = await makeMirrorWorld()
  symlinkSync('/', join(mirror, 'out'))
  expect((await query({ path: 'names' })).files.map(({ path }) => path)).toContain('names/f\\xff\\xfe')
  await expect(query({ path: 'out/etc' })).rejects.toMatchObject({
    code: expect.stringMatching('BAD_INPUT|NOT_FOUND'),
  })
  const before = contentOf(volume)
  await expect(recover(NAME, { files: ['out/etc/passwd'] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(contentOf(volume)).toEqual(before)
})

test('it is deleted, and its room is freed', async () => {
  const { settings, objects, recover } = await makeMirrorWorld()
  const remove = (names: string[]) => runPlugin(backupDeletePlugin, settings, { args: { names }, change: {} })
  expect((await remove([`${NAME}/names`, NAME])).result).toEqual({ deleted: [`${NAME}/names`, NAME] })
  expect(objects()).toEqual([])
  await expect(recover(NAME)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test.skipIf(!canMount)(
  'a full disk during the recover gives NO_ROOM, and the volume is untouched (needs mounts)',
  async () => {
    const { recover, mirror, volumeRoot } = await makeMirrorWorld()
    const small = join(volumeRoot, 'small')
    onTestFinished(mountTmpfs(small, 'size=1m'))
    writeFileSync(join(small, 'there'), 'x')
    for (const n of [1, 2, 3]) writeFileSync(join(mirror, `big${n}`), Buffer.alloc(1 << 20, 1))
    for (const files of [null, ['*']])
      await expect(recover(NAME, { destDir: small, files })).rejects.toMatchObject({ code: 'NO_ROOM' })
    expect(readdirSync(small)).toEqual(['there'])
  },
)
