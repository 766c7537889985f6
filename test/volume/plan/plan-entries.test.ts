import { chmodSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listTree } from '../../../src/volume/plan/list-tree.ts'
import { type ComparedEntry, planEntries } from '../../../src/volume/plan/plan-entries.ts'
import { chosenFiles } from '../../../src/volume/tree/chosen-paths.ts'
import { tempDir } from '../../support/temp-dir.ts'

const TIME = 1_700_000_000

function put(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), path)
    utimesSync(join(folder, path), TIME, TIME)
  }
}

/** A volume, and a backup that differs from it. */
function makeWorld() {
  const [backup, volume] = [tempDir(), tempDir()]
  put(backup, [
    'same',
    'changed',
    'created',
    'dir/same',
    'dir/made/x',
    'file below/a',
    'was filled',
    'link below/b',
  ])
  put(volume, ['same', 'dir/same', 'dir/gone/deep', 'since', 'was filled/x', 'file below'])
  put(volume, ['.backupd-recover-x'])
  writeFileSync(join(volume, 'changed'), 'longer than before')
  symlinkSync('dir', join(volume, 'link below'))
  return { backup, volume }
}

async function plan(
  { backup, volume }: { backup: string; volume: string | null },
  files: string[] | null = null,
  leave: (entry: ComparedEntry) => boolean = () => false,
) {
  const noted: string[] = []
  const entries = async function* () {
    for await (const entry of listTree(backup)) if (!leave(entry)) yield entry
  }
  const chosen = files && chosenFiles(files)
  const note = (fate: string, path: Buffer) => void noted.push(`${fate} ${path}`)
  const { signal } = new AbortController()
  const planned = await planEntries({ entries, path: volume, chosen, names: 100, signal, note })
  const { create, overwrite, metadata, delete: gone, refuse, same } = planned
  const kinds = [create, overwrite, metadata, gone, refuse]
  const [created, overwritten, altered, deleted, refused] = kinds.map(({ first }) =>
    first.map((entry) => entry.path).sort(),
  )
  return { created, overwritten, altered, deleted, refused, same, noted, missing: chosen?.missing() ?? [] }
}

test('a whole recover deletes what the backup does not have, and replaces what is of another type', async () => {
  expect(await plan(makeWorld())).toMatchObject({
    created: ['created', 'dir/made', 'dir/made/x', 'file below/a', 'link below/b'],
    overwritten: ['changed', 'file below', 'link below', 'was filled'],
    deleted: ['dir/gone', 'dir/gone/deep', 'since', 'was filled/x'],
    refused: [],
    same: 3,
  })
})

test('paths that exist are noted in the order of the volume, equal ones too, whatever is in them', async () => {
  const world = makeWorld()
  const { noted } = await plan(world)
  expect(noted).toEqual([
    'replace changed',
    'replace dir',
    'delete dir/gone',
    'delete dir/gone/deep',
    'replace dir/same',
    'replace file below',
    'replace link below',
    'replace same',
    'delete since',
    'replace was filled',
    'delete was filled/x',
  ])
  writeFileSync(join(world.volume, 'same'), 'other content')
  expect((await plan(world)).noted).toEqual(noted)
})

test('into a volume that does not exist, everything is created', async () => {
  const { created, deleted, same } = await plan({ ...makeWorld(), volume: null })
  expect({ created: created?.length, deleted, same }).toEqual({ created: 12, deleted: [], same: 0 })
})

test('of chosen files nothing is deleted, and what would be skipped is named', async () => {
  const files = ['same', 'dir/made', 'was filled', 'file below/a', 'link below/b', 'nowhere']
  expect(await plan(makeWorld(), files)).toMatchObject({
    created: ['dir/made', 'dir/made/x'],
    overwritten: [],
    deleted: [],
    refused: ['file below', 'link below', 'was filled'],
    same: 1,
    missing: ['nowhere'],
  })
  expect((await plan(makeWorld(), ['*'])).deleted).toEqual([])
})

test('a change of only mode, owner or the time of a link is told from one of content', async () => {
  const [backup, volume] = [tempDir(), tempDir()]
  for (const folder of [backup, volume]) {
    put(folder, ['mode', 'mode and time', 'same', 'dir/x'])
    symlinkSync('same', join(folder, 'link'))
    lutimesSync(join(folder, 'link'), TIME, TIME)
  }
  for (const name of ['mode', 'mode and time', 'dir']) chmodSync(join(volume, name), 0o700)
  utimesSync(join(volume, 'mode and time'), TIME, TIME + 1)
  lutimesSync(join(volume, 'link'), TIME, TIME + 1)
  expect(await plan({ backup, volume })).toMatchObject({
    altered: ['dir', 'link', 'mode'],
    overwritten: ['mode and time'],
    same: 2,
  })
})

test('folders that an archive does not list are not planned to be deleted', async () => {
  const isFolder = ({ type }: ComparedEntry) => type === 'directory'
  const { created, deleted } = await plan(makeWorld(), null, isFolder)
  expect(deleted).toEqual(['dir/gone', 'dir/gone/deep', 'since', 'was filled/x'])
  expect(created).toEqual(['created', 'dir/made/x', 'file below/a', 'link below/b'])
})

test('a table of many paths finds each of them', async () => {
  const [backup, volume] = [tempDir(), tempDir()]
  const names = Array.from({ length: 5000 }, (_, n) => `file ${n}`)
  put(backup, names)
  put(volume, names)
  expect(await plan({ backup, volume })).toMatchObject({
    created: [],
    overwritten: [],
    deleted: [],
    same: 5000,
  })
})
