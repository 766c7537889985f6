import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../../support/given.ts'
import { STILL_PATH } from '../../support/repository-samples.ts'
import { hasRestic } from '../../support/restic.ts'

/** More than are kept in the hope that nothing differs, and a tree that is compressed piece by piece. */
const FILES = 6000

test.skipIf(!hasRestic)('a folder of many names is written as restic reads it (needs restic)', async () => {
  const { repository, snapshot, volume, check, restic } = await given.repository()
  mkdirSync(join(volume, 'many'))
  for (let n = 0; n < FILES; n++) writeFileSync(join(volume, `many/file-${n}`), `${n}`)
  const first = await snapshot(repository, { sourcePath: STILL_PATH })
  expect(first).toMatchObject({ files: FILES, filesNew: FILES })

  const same = await snapshot(repository, { from: first.snapshotId, sourcePath: STILL_PATH })
  expect(same).toMatchObject({ filesUnchanged: FILES, filesDeleted: 0, bytesAdded: 0 })
  expect(same.tree.equals(first.tree)).toBe(true)

  rmSync(join(volume, 'many/file-4321'))
  writeFileSync(join(volume, 'many/file-77'), 'changed')
  const other = await snapshot(repository, { from: same.snapshotId, sourcePath: STILL_PATH })
  expect(other).toMatchObject({ filesUnchanged: FILES - 2, filesChanged: 1, filesDeleted: 1, filesNew: 0 })
  check()
  const listed = restic('ls', other.snapshotId).split('\n')
  expect(listed.filter((line) => line.startsWith(`${STILL_PATH}/many/`))).toHaveLength(FILES - 1)
})

test('a removed folder is counted with all its content', async () => {
  const { repository, snapshot, volume } = await given.repository()
  for (const folder of ['a/b', 'a/c', 'stays']) mkdirSync(join(volume, folder), { recursive: true })
  for (const file of ['a/1', 'a/b/2', 'a/b/3', 'a/c/4', 'stays/5']) writeFileSync(join(volume, file), file)
  const first = await snapshot(repository)
  rmSync(join(volume, 'a'), { recursive: true })
  writeFileSync(join(volume, 'a'), 'a file now')
  const second = await snapshot(repository, { from: first.snapshotId })
  expect(second).toMatchObject({ filesDeleted: 4, filesNew: 1, filesUnchanged: 1, files: 2 })
})
