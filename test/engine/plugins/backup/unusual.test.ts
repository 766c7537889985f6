import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findUnusualHold } from '../../../../src/wire/hold.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { openUnusualVolume, tellOfEncryption } from '../../../support/unusual-volume.ts'

const MODES = ['full', 'increment'] as const

describe.each(MODES)('a volume whose files are all encrypted, and its backups of the mode %s', (mode) => {
  test('in a folder', async () => {
    await tellOfEncryption(await openUnusualVolume(mode))
  })

  test('in a bucket', async () => {
    const model = await startS3Model()
    await tellOfEncryption(await openUnusualVolume(mode, model.settings))
  })

  test('tell with the run what is kept from now on', async () => {
    const volume = await openUnusualVolume(mode)
    for (let run = 0; run < 10; run++) await volume.runOnce()
    volume.encrypt()
    const { result, warnings } = await volume.runOnce()
    const told = mode === 'full' ? result.changed?.[0] : result.backup
    expect(findUnusualHold(told?.holds ?? [])).toMatchObject({
      because: expect.stringMatching(/^(98|100) % of the 60/),
    })
    expect(warnings[0]).toContain('is kept until somebody acknowledges that (acknowledgeUnusual)')
    const { backups } = await volume.store.list(SERVER, { limit: 100 })
    expect(backups.find(({ name }) => name === told?.name)?.holds).toEqual(told?.holds)
  })

  test('are not compared before the eleventh run, nor if their times alone changed', async () => {
    const volume = await openUnusualVolume(mode)
    const contents = volume.readAll()
    for (let run = 0; run < 9; run++) await volume.runOnce()
    volume.encrypt()
    expect((await volume.runOnce()).warnings).toEqual([])
    const other = await openUnusualVolume(mode)
    for (let run = 0; run < 12; run++) await other.runOnce()
    for (const [n, content] of contents.entries()) {
      const file = join(other.volume, 'tables', `${n}.table`)
      rmSync(file)
      writeFileSync(file, content)
    }
    expect((await other.runOnce()).warnings).toEqual([])
  })
})

test('at most three points are kept, however often the files are encrypted', async () => {
  const volume = await openUnusualVolume('full')
  for (let time = 0; time < 4; time++) {
    // Longer than a deviation is remembered.
    volume.pass(40)
    for (let run = 0; run < 21; run++) await volume.runOnce()
    volume.encrypt()
    expect((await volume.runOnce()).warnings).toHaveLength(1)
  }
  expect((await volume.listPoints()).filter(({ holds }) => holds.length > 0)).toHaveLength(3)
  const unusual = (await volume.listPoints()).flatMap(({ holds }) => holds)
  expect(new Set(unusual).size).toBe(3)
})

test('runs whose backups have expired, or were made by an older version, count too', async () => {
  const volume = await openUnusualVolume('full')
  for (let run = 0; run < 12; run++) {
    await volume.runOnce()
    await volume.expire()
  }
  expect(await volume.listPoints()).toHaveLength(4)
  volume.encrypt()
  expect((await volume.runOnce()).warnings).toHaveLength(1)
})

test('sizes are compared even if an older version made all backups before', async () => {
  const volume = await openUnusualVolume('full')
  writeFileSync(join(volume.volume, 'large'), Buffer.alloc(20 * 1024 * 1024))
  for (let run = 0; run < 10; run++) await volume.runOnce()
  for (const { point } of await volume.listPoints()) {
    const file = join(volume.storeDir, SERVER, `${point}.manifest.json`)
    const { history, sample, checksum, ...older } = JSON.parse(readFileSync(file, 'utf8'))
    expect([typeof history, typeof sample, typeof checksum]).toEqual(['string', 'string', 'string'])
    writeFileSync(file, JSON.stringify(older))
  }
  rmSync(join(volume.volume, 'large'))
  expect((await volume.runOnce()).warnings).toEqual([expect.stringContaining('its content is 99 % smaller')])
})

test('no snapshot expires or is deleted while the note of held ones cannot be read', async () => {
  const volume = await openUnusualVolume('increment')
  for (let run = 0; run < 6; run++) await volume.runOnce()
  writeFileSync(join(volume.storeDir, SERVER, '.held'), 'garbage')
  expect((await volume.expire()).result).toEqual({ deleted: [] })
  expect(await volume.store.problems()).toEqual([
    expect.stringContaining('.held" in the store, cannot be read'),
  ])
  rmSync(join(volume.storeDir, SERVER, '.held'))
  volume.pass(1)
  expect((await volume.expire()).result.deletedSnapshots?.length).toBeGreaterThan(0)
  expect(await volume.store.problems()).toEqual([])
})

test('an empty volume is suspect, and neither judged nor counted', async () => {
  const volume = await openUnusualVolume('full')
  for (let run = 0; run < 12; run++) await volume.runOnce()
  rmSync(join(volume.volume, 'tables'), { recursive: true })
  volume.pass(1)
  const { state, warnings } = await volume.backUp({}, { clock: volume.clock })
  expect(state).toBe('partial')
  expect(warnings.filter((warning) => warning.includes('unusual'))).toEqual([])
  expect((await volume.listPoints()).flatMap(({ holds }) => holds)).toEqual([])
})
