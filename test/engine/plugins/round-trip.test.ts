import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Plugins } from '../../support/given/plugins.ts'
import { given } from '../../support/given.ts'
import { SERVER } from '../../support/plugin-args.ts'
import { compareTrees } from '../../support/tree-compare.ts'
import { makeNastyTree } from '../../support/tree-make.ts'

async function makeFilledWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  rmSync(world.volume, { recursive: true })
  makeNastyTree(world.volume)
  // Its holes take long to hash.
  rmSync(`${world.volume}/sparse/beyond 8 GiB`, { force: true })
  return world
}

test('a damaged volume is recovered exactly, and stays the same directory', async () => {
  const world = await makeFilledWorld()
  execFileSync('cp', ['-a', '--sparse=always', world.volume, `${world.base}/copy`])
  const backup = await world.backUp()
  expect(backup).toMatchObject({ state: 'success', reason: '', warnings: [] })
  const inode = lstatSync(world.volume).ino
  rmSync(`${world.volume}/names`, { recursive: true })
  writeFileSync(`${world.volume}/links/a`, 'damaged')
  writeFileSync(`${world.volume}/new file`, 'not in the backup')
  chmodSync(world.volume, 0o700)
  const recovered = await world.recover(backup.result.file ?? '')
  expect(recovered).toMatchObject({ state: 'success', reason: '', warnings: [] })
  expect(recovered.result.entriesRestored).toBe((await manifestOf(world, backup.result.file)).entries)
  expect(compareTrees(`${world.base}/copy`, world.volume)).toEqual([])
  expect(lstatSync(world.volume).ino).toBe(inode)
  expect(readdirSync(world.parent)).toEqual(['db'])
})

async function manifestOf({ store }: Plugins, name = '') {
  const manifest = (await store.findArchive(SERVER, name))?.manifest
  if (!manifest) throw new Error(`no manifest of ${name}`)
  return manifest
}

test('a missing volume is recovered', async () => {
  const world = await makeFilledWorld()
  const { result } = await world.backUp()
  const recovered = await world.recover(result.file ?? '', { destDir: `${world.parent}/second` })
  expect(recovered.warnings).toEqual([expect.stringContaining('did not exist and is created')])
  expect(compareTrees(world.volume, `${world.parent}/second`)).toEqual([])
})

test('an archive of GNU tar is recovered', async () => {
  const world = await makeFilledWorld()
  const { result } = await world.backUp()
  const name = result.file ?? ''
  for (const file of world.objects()) rmSync(`${world.storeDir}/${SERVER}/${file}`)
  const archive = `${world.storeDir}/${SERVER}/${name}`
  execFileSync('cp', ['-a', world.volume, `${world.base}/plain`])
  for (const what of ['special', 'acls', 'attributes', 'capability']) {
    rmSync(`${world.base}/plain/${what}`, { recursive: true, force: true })
  }
  execFileSync('tar', ['-Szcf', archive, '-C', world.base, '--transform', 's,^plain,db,', 'plain'])
  const recovered = await world.recover(name, { destDir: world.volume })
  expect(recovered.state).toBe('success')
  expect(compareTrees(`${world.base}/plain`, world.volume, { ignore: ['mtimeNs'] })).toEqual([])
})

test('a backup of a volume with an interrupted recover settles the recover first', async () => {
  const world = await makeFilledWorld()
  mkdirSync(`${world.dataDir}/recovers`, { recursive: true })
  const rid = `1795423489${'a'.repeat(32)}`
  const staging = `${world.parent}/.backupd-recover-${rid}`
  for (const name of ['new', 'old', 'late']) mkdirSync(`${staging}/${name}`, { recursive: true })
  const pointer = {
    format: 1,
    rid,
    phase: 'staging',
    volume: world.volume,
    inode: '1',
    staging,
    mtimeNs: null,
  }
  writeFileSync(`${world.dataDir}/recovers/${rid}.json`, JSON.stringify(pointer))
  const { state, warnings } = await world.backUp()
  expect(state).toBe('success')
  expect(warnings).toEqual([expect.stringContaining('swept')])
  expect(readdirSync(world.parent)).toEqual(['db'])
  writeFileSync(`${world.dataDir}/recovers/${rid}.json`, JSON.stringify({ ...pointer, phase: 'swap' }))
  await expect(world.backUp()).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  renameSync(`${world.dataDir}/recovers/${rid}.json`, `${world.dataDir}/gone`)
  expect((await world.backUp()).state).toBe('success')
})
