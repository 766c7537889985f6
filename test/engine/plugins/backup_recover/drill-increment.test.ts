import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupVerifyPlugin } from '../../../../src/engine/plugins/backup_verify/plugin.ts'
import { drillWorld } from '../../../support/drill-world.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { canMount } from '../../../support/tmpfs.ts'
import { flipByte, largestPack } from '../../../support/verifying-world.ts'

const MIB = 1 << 20

/** An increment with two snapshots; the second has a file of several blobs. */
async function drilledIncrement(drillBytes?: number) {
  const world = await drillWorld('increment', drillBytes)
  const large = randomBytes(5 * MIB)
  writeFileSync(join(world.volume, 'random'), large)
  const newest = (await world.backUp({ mode: 'increment' })).result.snapshot ?? ''
  const { backup, store, drillDir } = world
  const snapshots = async () =>
    (await store.snapshots.list({ namespace: SERVER, name: backup, after: '', limit: 10 })).snapshots
  const readInfo = async () => {
    await using found = await store.find(SERVER, backup)
    return found?.info
  }
  const verify = () => {
    const args = { app: 'shop', proc: 'shop.web.web', backup, namespace: SERVER }
    return runPlugin(backupVerifyPlugin, world.settings, { args })
  }
  const left = () => readdirSync(drillDir)
  return { ...world, newest, older: world.snapshot, snapshots, readInfo, verify, left }
}

test.skipIf(!canMount)('a drill proves the newest snapshot, and not its whole series', async () => {
  const { drill, newest, older, snapshots, readInfo, left, verify, namespace } = await drilledIncrement()
  const ended = await drill()
  expect(ended).toMatchObject({
    state: 'success',
    warnings: [],
    result: { snapshot: newest, drill: { different: 0 } },
  })
  expect(ended.result.drill?.bytes).toBeGreaterThan(5 * MIB)
  const proof = { method: 'hash', by: 'drill', mode: 'full', share: 1 }
  const info = await readInfo()
  expect(info).toMatchObject({ verified: null, series: { drill: { ...proof, snapshot: newest } } })
  expect(info).not.toHaveProperty('proof')
  expect(await snapshots()).toMatchObject([{ id: newest, drill: proof }, { id: older }])
  expect((await snapshots())[1]).not.toHaveProperty('drill')
  expect(left()).toEqual(['foreign'])

  // A verification keeps what was drilled, and a damaged line hides nothing else.
  await verify()
  const note = join(namespace, '.verified')
  const content = JSON.parse(readFileSync(note, 'utf8'))
  rmSync(note)
  writeFileSync(note, JSON.stringify({ ...content, drills: { ...content.drills, [older]: 7, x: proof } }))
  const verified = await readInfo()
  expect(verified).toMatchObject({ proof: { share: 1 }, series: { drill: { snapshot: newest } } })
  expect(verified?.proof).not.toHaveProperty('by')
  expect((await snapshots())[1]).not.toHaveProperty('drill')
})

test.skipIf(!canMount)('the newest good snapshot is drilled, not a damaged one after it', async () => {
  const { drill, namespace, older, newest, snapshots } = await drilledIncrement()
  flipByte(largestPack(namespace), 2 * MIB)
  await expect(drill()).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(await snapshots()).toMatchObject([
    { id: newest, good: false },
    { id: older, good: true },
  ])
  expect(await drill()).toMatchObject({ state: 'success', result: { snapshot: older } })
})

test.skipIf(!canMount)('an older snapshot is drilled by the beginning of its id', async () => {
  const { drill, older, snapshots, readInfo } = await drilledIncrement()
  expect(await drill({}, { snapshot: older.slice(0, 10) })).toMatchObject({
    state: 'success',
    result: { snapshot: older },
  })
  expect(await snapshots()).toMatchObject([{}, { id: older, drill: { by: 'drill' } }])
  expect(await readInfo()).toMatchObject({ series: { drill: { snapshot: older } } })
  await expect(drill({}, { snapshot: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test.skipIf(!canMount)(
  'a drill names the file of a flipped byte in a pack, and marks the snapshot',
  async () => {
    const { drill, namespace, snapshots, newest, left } = await drilledIncrement()
    flipByte(largestPack(namespace), 2 * MIB)
    await expect(drill()).rejects.toMatchObject({
      code: 'SNAPSHOT_CORRUPT',
      facts: { files: ['random'] },
      message: expect.stringContaining('"random"'),
    })
    expect(await snapshots()).toMatchObject([
      { id: newest, corrupt: expect.stringContaining('damaged') },
      { corrupt: null },
    ])
    expect(left()).toEqual(['foreign'])
  },
)

test.skipIf(!canMount)('a pack that cannot be read makes nothing corrupt', async () => {
  const { drill, namespace, snapshots, left } = await drilledIncrement()
  const pack = largestPack(namespace)
  renameSync(pack, `${pack}.away`)
  // Its start cannot be read: EIO.
  symlinkSync('/proc/self/mem', pack)
  await expect(drill()).rejects.toMatchObject({ code: expect.not.stringContaining('CORRUPT') })
  expect(await snapshots()).toMatchObject([{ corrupt: null }, { corrupt: null }])
  expect(left()).toEqual(['foreign'])
})

test.skipIf(!canMount)('a full disk ends the drill of an increment, and makes nothing corrupt', async () => {
  const { drill, snapshots, left } = await drilledIncrement(2 * MIB)
  await expect(drill()).rejects.toMatchObject({ code: 'NO_ROOM' })
  expect(await snapshots()).toMatchObject([{ corrupt: null }, { corrupt: null }])
  expect(left()).toEqual(['foreign'])
})

test.skipIf(!canMount)(
  'files that change in the scratch folder make the drill partial, and are named',
  async () => {
    const { drill, drillDir, snapshots, readInfo } = await drilledIncrement()
    const change = () => {
      const folder = readdirSync(drillDir).find((name) => name.startsWith('.backupd-recover-')) ?? ''
      const restored = join(drillDir, folder, 'new')
      writeFileSync(join(restored, 'random'), randomBytes(5 * MIB))
      chmodSync(join(restored, 'large'), 0o600)
      chownSync(join(restored, 'large'), 7, 8)
    }
    const progress: Parameters<typeof drill>[2] = {
      progress: ({ phase }) => {
        if (phase === 'compare') change()
      },
    }
    const ended = await drill({}, {}, progress)
    expect(ended).toMatchObject({ state: 'partial', result: { drill: { different: 2 } } })
    expect(ended.reason).toContain('Check the disk of --drill-dir')
    expect(ended.result.drill?.differences.toSorted()).toEqual([
      'large: its owner is 7:8, expected 0:0',
      'random: its content differs',
    ])
    expect(await snapshots()).toMatchObject([{ corrupt: null }, { corrupt: null }])
    expect(await readInfo()).toMatchObject({ corrupt: null, verified: null })
    expect((await readInfo())?.series).not.toHaveProperty('drill')
  },
)

test.skipIf(!canMount || !hasRestic)('a snapshot that restic made can be drilled', async () => {
  const { drill, volume, namespace, storeDir } = await drilledIncrement()
  const run = restic(join(namespace, 'repo'), join(storeDir, '.repository-password'))
  writeFileSync(join(volume, 'by restic'), 'x')
  run('backup', '--host', SERVER, volume)
  const [last] = JSON.parse(run('snapshots', '--json', '--latest', '1', '--host', SERVER)).slice(-1)
  expect(await drill({}, { snapshot: last.id })).toMatchObject({
    state: 'success',
    result: { snapshot: last.id, drill: { different: 0 } },
  })
})
