import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { given } from '../../support/given.ts'
import { collectIds } from '../../support/repository-content.ts'
import { writeSome } from '../../support/repository-samples.ts'
import { hasRestic } from '../../support/restic.ts'
import { type CompareOptions, compareTrees } from '../../support/tree-compare.ts'
import { makeNastyTree } from '../../support/tree-make.ts'

const MIB = 1024 * 1024

describe.skipIf(!hasRestic)('compared with restic (needs restic)', () => {
  // What restic 0.14 keeps and does not restore: holes, hard links of anything but files, years after 2262, link targets
  // that are not text. Attributes of a link it sets on the file behind it.
  const asRestic: CompareOptions = {
    ignore: ['allocatedKiB'],
    except: [
      'links/hard link of a symlink',
      'links/symlink',
      'names/link to bytes',
      'special/fifo',
      'special/hard link of the fifo',
      'times/10413792000000000000',
    ],
  }

  test('restic restores a difficult tree exactly, and finds no damage', async () => {
    const { repository, snapshot, volume, restored, check } = await given.repository()
    rmSync(volume, { recursive: true })
    makeNastyTree(volume)
    rmSync(join(volume, 'sparse/beyond 8 GiB'))
    rmSync(join(volume, 'attributes/link'), { force: true })
    const { snapshotId, faults } = await snapshot(repository)
    expect(faults).toBe(0)
    check()
    expect(compareTrees(volume, restored(snapshotId), asRestic)).toEqual([])
  })

  test('restic does so for the next snapshot too', async () => {
    const { repository, snapshot, volume, restored, check, snapshots } = await given
      .files(writeSome)
      .withSnapshots(1)
      .repository()
    const [first] = snapshots
    writeFileSync(join(volume, 'sub/new'), 'new')
    rmSync(join(volume, 'text'))
    const second = await snapshot(repository, { from: first.snapshotId })
    check()
    expect(compareTrees(volume, restored(second.snapshotId), asRestic)).toEqual([])
  })

  test('restic finds all content present when it makes its own snapshot', async () => {
    const { repository, snapshot, volume, restic } = await given.files(writeSome).repository()
    await snapshot(repository)
    const blobs = () =>
      restic('list', 'blobs')
        .split('\n')
        .filter((line) => line.startsWith('data '))
    const before = blobs()
    restic('backup', '--force', volume)
    expect(blobs().sort()).toEqual(before.sort())
  })

  test.each(['off', 'auto'])(
    'a repository that it made with compression %s is extended',
    async (compression) => {
      const world = await given.files(writeSome).unmadeRepository()
      const { open, snapshot, volume, restic, restored, check } = world
      restic('init')
      restic('--compression', compression, 'backup', volume)
      const repository = await open()
      const [its = ''] = await collectIds(repository.listUnpacked('snapshots'))
      const same = await snapshot(repository, { from: its, time: new Date() })
      expect(same.bytesAdded).toBeLessThan(20_000)
      writeFileSync(join(volume, 'more'), randomBytes(2 * MIB))
      const ours = await snapshot(repository, { from: same.snapshotId })
      expect(ours).toMatchObject({ filesNew: 1 })
      check()
      expect(compareTrees(volume, restored(ours.snapshotId), asRestic)).toEqual([])
    },
  )
})
