import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { deleteStoredBackups } from '../../src/store/delete-backups.ts'
import { given } from '../support/given.ts'
import { ARCHIVE, IP } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

async function seriesAndArchive() {
  const { store, dir, backups } = await given.withBackups(1).withSnapshots(1).store()
  const [{ name }] = backups
  const reader = { dataDir: tempDir(), signal: new AbortController().signal, warn: () => {} }
  const list = async () => (await store.list(IP, { limit: 10 })).backups.map((backup) => backup.name)
  return {
    name,
    list,
    file: join(dir, IP, `${name}.manifest.json`),
    remove: (names: string[]) => deleteStoredBackups({ store, ip: IP }, names, reader),
  }
}

it('deletes a series and an archive together', async () => {
  const { name, remove, list } = await seriesAndArchive()
  expect((await remove([ARCHIVE, name, 'never-was'])).sort()).toEqual([ARCHIVE, name].sort())
  expect(await list()).toEqual([])
})

it('a held archive among the names keeps the series too', async () => {
  const { name, remove, list, file } = await seriesAndArchive()
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), holds: ['audit 2026'] }))
  await expect(remove([ARCHIVE, name])).rejects.toMatchObject({ code: 'CONFLICT' })
  expect((await list()).sort()).toEqual([ARCHIVE, name].sort())
})
