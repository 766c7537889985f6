import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import { RID } from '../support/swap-content.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const MODES = ['full', 'increment']

test.each(MODES)('names like those of a recover are kept by a %s backup, and recovered', async (mode) => {
  const { volume, backUp, recover } = await shop.plugins()
  writeFileSync(join(volume, '.backupd-notes'), 'notes')
  writeFileSync(join(volume, '.backupd-recover-plan.txt'), 'plan')
  mkdirSync(join(volume, '.backupd-recover-1/new'), { recursive: true })
  writeFileSync(join(volume, '.backupd-recover-1/new/deep'), 'deep')
  const made = await backUp({ mode })
  expect(made).toMatchObject({ state: 'success', warnings: [] })
  rmSync(volume, { recursive: true })
  mkdirSync(volume)
  const { state } = await recover(made.result.file ?? '')
  expect(state).toBe('success')
  const textOf = (path: string) => readFileSync(join(volume, path), 'utf8')
  expect(['.backupd-notes', '.backupd-recover-plan.txt', '.backupd-recover-1/new/deep'].map(textOf)).toEqual([
    'notes',
    'plan',
    'deep',
  ])
})

test.each(MODES)('a recover restores changed names that look like those of a recover (%s)', async (mode) => {
  const { volume, backUp, recover } = await shop.plugins()
  for (const name of ['.backupd-notes', '.backupd-recover-plan.txt', 'other'])
    writeFileSync(join(volume, name), 'as it was')
  const { result } = await backUp({ mode })
  for (const name of ['.backupd-notes', '.backupd-recover-plan.txt'])
    writeFileSync(join(volume, name), 'changed')
  writeFileSync(join(volume, '.backupd-since'), 'made since')
  expect(await recover(result.file ?? '')).toMatchObject({ state: 'success' })
  expect(readFileSync(join(volume, '.backupd-notes'), 'utf8')).toBe('as it was')
  expect(readFileSync(join(volume, '.backupd-recover-plan.txt'), 'utf8')).toBe('as it was')
  expect(existsSync(join(volume, '.backupd-since'))).toBe(false)
})

test.each(MODES)('a name like those of a recover is recovered as an ordinary name (%s)', async (mode) => {
  const { volume, backUp, recover } = await shop.plugins()
  writeFileSync(join(volume, '.backupd-notes'), 'notes')
  const { result } = await backUp({ mode })
  writeFileSync(join(volume, '.backupd-notes'), 'changed')
  const recovered = await recover(result.file ?? '', { files: ['.backupd-notes'] })
  expect(recovered).toMatchObject({ state: 'success', warnings: [] })
  expect(readFileSync(join(volume, '.backupd-notes'), 'utf8')).toBe('notes')
})

test.each(MODES)('the staging folder of a volume inside this one is left out by name (%s)', async (mode) => {
  const { volume, backUp, recover, dataDir } = await shop.plugins()
  const inner = join(volume, 'sub/inner')
  mkdirSync(inner, { recursive: true })
  await using claim = await claimVolume(dataDir, inner)
  await using staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  writeFileSync(join(staging.target, 'half'), 'unpacked half')
  const made = await backUp({ mode })
  expect(made.state).toBe('success')
  expect(made.warnings).toEqual([
    `sub/.backupd-recover-${RID}: is the staging folder of the recover ${RID}: not part of the backup`,
  ])
  rmSync(volume, { recursive: true })
  mkdirSync(volume)
  await recover(made.result.file ?? '')
  expect(existsSync(join(volume, 'sub/inner'))).toBe(true)
  expect(existsSync(join(volume, `sub/.backupd-recover-${RID}`))).toBe(false)
})
