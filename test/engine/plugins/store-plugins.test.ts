import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { backupDeletePlugin } from '../../../src/engine/plugins/backup_delete/plugin.ts'
import { backupFilesPlugin } from '../../../src/engine/plugins/backup_files/plugin.ts'
import { backupInfoPlugin } from '../../../src/engine/plugins/backup_info/plugin.ts'
import { backupListPlugin } from '../../../src/engine/plugins/backup_list/plugin.ts'
import { storeSpacePlugin } from '../../../src/engine/plugins/store_space/plugin.ts'
import { backupInfoSchema } from '../../../src/wire/backup.ts'
import { backupPageSchema, filePageSchema, MAX_FILES } from '../../../src/wire/daemon-api.ts'
import type { Plugins } from '../../support/given/plugins.ts'
import { given } from '../../support/given.ts'
import { SERVER } from '../../support/plugin-args.ts'
import { runPlugin } from '../../support/run-plugin.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

type World = Plugins

const ask = async (world: World, args: object) => {
  const asked = { namespace: SERVER, ...args }
  const { result } = await runPlugin(backupFilesPlugin, world.settings, { args: asked, change: {} })
  return filePageSchema.parse(result)
}
const paths = async (world: World, args: object) => (await ask(world, args)).files.map(({ path }) => path)

/** A volume with folders, a link, odd names and many files, backed up. */
async function backedUp() {
  const world = await shop.plugins()
  const at = (path: string) => join(world.volume, path)
  await mkdir(at('conf/deep'), { recursive: true })
  await mkdir(at('conf-d'))
  await mkdir(at('empty'))
  for (const path of ['a.txt', 'b\n.txt', 'conf/x', 'conf/y', 'conf/deep/z', 'conf-d/other']) {
    await writeFile(at(path), path)
  }
  await writeFile(Buffer.concat([Buffer.from(at('raw-')), Buffer.from([0xff, 0x5c])]), 'bytes')
  symlinkSync('a.txt', at('link'))
  const { result } = await world.backUp()
  return { ...world, name: result.file as string, object: join(world.storeDir, SERVER, `${result.file}`) }
}

const TOP = ['a.txt', 'b\\x0a.txt', 'conf', 'conf-d', 'empty', 'link', 'raw-\\xff\\\\']

describe('backup_files', () => {
  it('lists the direct entries of a folder, as find(1) does', async () => {
    const world = await backedUp()
    expect(await paths(world, { name: world.name })).toEqual(TOP)
    expect(await paths(world, { name: world.name, path: '/' })).toEqual(TOP)
    expect(await paths(world, { name: world.name, path: 'conf' })).toEqual(['conf/deep', 'conf/x', 'conf/y'])
    expect(await paths(world, { name: world.name, path: '/conf/deep/' })).toEqual(['conf/deep/z'])
    expect(await paths(world, { name: world.name, path: 'empty' })).toEqual([])
    const { files } = await ask(world, { name: world.name, limit: 1 })
    expect(files).toMatchObject([
      { path: 'a.txt', type: 'file', size: 5, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ])
  })

  it('continues after a path', async () => {
    const world = await backedUp()
    const seen: string[] = []
    for (let after = ''; ; ) {
      const page = await ask(world, { name: world.name, limit: 3, after })
      seen.push(...page.files.map(({ path }) => path))
      if (page.next === null) break
      after = page.next
    }
    expect(seen).toEqual(TOP)
  })

  it('reports a missing path, a path that is not a folder, and a missing backup', async () => {
    const world = await backedUp()
    const of = (args: object) => paths(world, { name: world.name, ...args })
    await expect(of({ path: 'con' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('"con"'),
    })
    await expect(of({ path: 'conf/../..' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(of({ path: 'a.txt' })).rejects.toThrow('"a.txt" is a file, not a directory')
    await expect(of({ name: 'none-1700000000.tar.gz' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(of({ name: '../x' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(of({ namespace: '../etc' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(of({ limit: MAX_FILES + 1 })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it.each([
    ['missing', (index: string) => rmSync(index)],
    ['damaged', (index: string) => writeFileSync(index, readFileSync(index).reverse())],
  ])('reads the archive in order if its index is %s', async (_what, spoil) => {
    const world = await backedUp()
    const whole = await ask(world, { name: world.name })
    spoil(`${world.object}.index.gz`)
    const withoutDigests = whole.files.map((file) => ({ ...file, sha256: null }))
    expect((await ask(world, { name: world.name })).files).toEqual(withoutDigests)
    expect(await paths(world, { name: world.name, path: 'conf/deep' })).toEqual(['conf/deep/z'])
  })

  it('lists an archive of another tar, and reports a damaged one', async () => {
    const world = await backedUp()
    const name = 'old-1700000000.tar.gz'
    const file = join(world.storeDir, SERVER, name)
    execFileSync('tar', ['-czf', file, '-C', join(world.volume, '..'), 'db'])
    expect(await paths(world, { name })).toEqual(TOP)
    writeFileSync(file, readFileSync(file).subarray(0, 200))
    await expect(paths(world, { name })).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  })
})

describe('questions about backups', () => {
  it('return pages, one backup, and a missing one', async () => {
    const world = await backedUp()
    const second = (await world.backUp()).result.file
    const list = async (args: object) => {
      const asked = { namespace: SERVER, ...args }
      const { result } = await runPlugin(backupListPlugin, world.settings, { args: asked, change: {} })
      return backupPageSchema.parse(result)
    }
    const all = await list({})
    expect(all.backups.map(({ name }) => name)).toEqual([world.name, second])
    expect(await list({ limit: '1' })).toEqual({ backups: all.backups.slice(0, 1), next: world.name })
    expect((await list({ after: world.name })).backups).toEqual(all.backups.slice(1))
    expect((await list({ source: '/none' })).backups).toEqual([])
    expect((await list({ source: world.volume })).backups.length).toBe(2)

    const info = (name: string) =>
      runPlugin(backupInfoPlugin, world.settings, { args: { namespace: SERVER, name }, change: {} })
    expect(backupInfoSchema.parse((await info(world.name)).result)).toEqual(all.backups[0])
    await expect(info('none-1700000000.tar.gz')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `There is no backup "none-1700000000.tar.gz" in the namespace ${SERVER}`,
    })
  })

  it('delete all backups or none', async () => {
    const world = await backedUp()
    const remove = (names: unknown) =>
      runPlugin(backupDeletePlugin, world.settings, { args: { names }, change: {} })
    await expect(remove([world.name, '../../x'])).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(remove('all')).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(remove([])).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(world.objects().length).toBe(3)
    expect((await remove([world.name, 'none-1700000000.tar.gz'])).result).toEqual({ deleted: [world.name] })
    expect(world.objects()).toEqual([])
  })

  it('report the room of the store, or why it cannot be used', async () => {
    const world = await shop.plugins()
    const space = () => runPlugin(storeSpacePlugin, world.settings, { args: {}, change: {} })
    const { freeBytes, totalBytes } = (await space()).result
    expect(Number(freeBytes)).toBeGreaterThan(0)
    expect(Number(totalBytes)).toBeGreaterThan(Number(freeBytes))
    expect((await space()).result).toMatchObject({ deletedRoom: { backups: 0, bytes: 0, snapshots: 0 } })
    rmSync(world.storeDir, { recursive: true })
    await expect(space()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})
