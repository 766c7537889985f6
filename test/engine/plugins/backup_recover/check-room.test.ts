import { randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkRoom } from '../../../../src/engine/plugins/backup_recover/check-room.ts'
import { given } from '../../../support/given.ts'
import { heldVolume } from '../../../support/held-volume.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const MIB = 1 << 20
const SERIES = 'shop-shop.web.web-1-data-db'

/** A backup of `large` and `small`, and another volume with room for the small one alone. */
async function makeBackup(mode: 'full' | 'increment') {
  const world = await shop.plugins()
  const { volume, volumeRoot } = world
  writeFileSync(join(volume, 'large'), randomBytes(6 * MIB))
  writeFileSync(join(volume, 'small'), randomBytes(MIB))
  const { result } = await world.backUp({ mode })
  const destDir = join(volumeRoot, 'narrow')
  onTestFinished(mountTmpfs(destDir, 'size=4m'))
  return { ...world, name: result.file ?? '', destDir }
}

test.skipIf(!canMount).for(['full', 'increment'] as const)(
  'nothing of a backup (%s) that does not fit is unpacked, and files of it that fit are recovered (needs mounts)',
  async (mode) => {
    const { recover, name, destDir } = await makeBackup(mode)
    for (const files of [null, ['*'], ['large']]) {
      await expect(recover(name, { destDir, files })).rejects.toMatchObject({
        code: 'NO_ROOM',
        facts: {
          step: 'check for room',
          unit: 'bytes',
          needed: expect.any(Number),
          free: expect.any(Number),
        },
      })
      expect(readdirSync(destDir)).toEqual([])
    }
    expect(await recover(name, { destDir, files: ['small'] })).toMatchObject({ state: 'success' })
    expect(statSync(join(destDir, 'small')).size).toBe(MIB)
  },
)

test.skipIf(!canMount)(
  'a backup that is larger than the room only by its holes is recovered (needs mounts)',
  async () => {
    const { recover, backUp, volume, destDir } = await makeBackup('increment')
    rmSync(join(volume, 'large'))
    const fd = openSync(join(volume, 'sparse'), 'w')
    ftruncateSync(fd, 100 * MIB)
    closeSync(fd)
    await backUp({ mode: 'increment' })
    expect(await recover(SERIES, { destDir })).toMatchObject({ state: 'success' })
    expect(statSync(join(destDir, 'sparse')).size).toBe(100 * MIB)
  },
)

test('a backup that fits by its size is not measured', async () => {
  const { volume } = await shop.plugins()
  const question = { volume: heldVolume(volume), chosen: null, signal: AbortSignal.abort() }
  let measured = 0
  const measure = async () => {
    measured++
    return { bytes: 0, entries: 0 }
  }
  await checkRoom({ ...question, source: { needs: { bytes: 1, entries: 1 }, measure } })
  expect(measured).toBe(0)
  await checkRoom({ ...question, source: { needs: { bytes: Infinity, entries: 1 }, measure } })
  expect(measured).toBe(1)
})

test('a backup whose files may not fit is measured, and refused if they do not', async () => {
  const { volume } = await shop.plugins()
  const question = { volume: heldVolume(volume), chosen: null, signal: AbortSignal.abort() }
  const source = (entries: number) => ({
    needs: { bytes: 1, entries: Number.MAX_SAFE_INTEGER },
    measure: async () => ({ bytes: 1, entries }),
  })
  await checkRoom({ ...question, source: source(1) })
  await expect(checkRoom({ ...question, source: source(Number.MAX_SAFE_INTEGER) })).rejects.toMatchObject({
    code: 'NO_ROOM',
    facts: { unit: 'files' },
  })
})
