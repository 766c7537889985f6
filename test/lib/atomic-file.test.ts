import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  readFileIfThere,
  removeUnfinishedWrites,
  replaceAtomically,
  writeFileAtomically,
} from '../../src/lib/atomic-file.ts'
import { recordDisk } from '../support/recorded-disk.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-file-'))
})
afterEach(async () => {
  await chmod(folder, 0o700)
  await rm(folder, { recursive: true })
})

test('a file is replaced atomically and nothing is left beside it', async () => {
  const file = join(folder, 'state.json')
  expect(await readFileIfThere(file)).toBeUndefined()
  await writeFileAtomically(file, 'old')
  await writeFileAtomically(file, 'new')
  expect(await readFileIfThere(file)).toBe('new')
  expect(await readdir(folder)).toEqual(['state.json'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('a write that cannot be published keeps the old file, and leaves no temporary file', async () => {
  const file = join(folder, 'taken')
  await mkdir(join(file, 'full'), { recursive: true })
  await expect(writeFileAtomically(file, 'new')).rejects.toThrow()
  expect(await readdir(folder)).toEqual(['taken'])
})

test('the content is on disk before it gets its name, and the name before the write resolves', async () => {
  const below = join(folder, 'data')
  await mkdir(below)
  const disk = await recordDisk(folder)
  await writeFileAtomically(join(below, 'state.json'), 'new')
  disk.note('over')
  const file = 'data/state.json'
  expect(disk.steps).toEqual([
    `writeFile ${file}.tmp`,
    `sync ${file}.tmp`,
    `move ${file}.tmp ${file}`,
    'sync data',
    'over',
  ])
})

test('a folder is made as a whole too, and nothing of it stays if that fails', async () => {
  const path = join(folder, 'example')
  const make = async (part: string) => {
    await mkdir(join(part, 'below'), { recursive: true })
  }
  const failing = async (part: string) => {
    await make(part)
    throw new Error('half way')
  }
  await expect(replaceAtomically(path, `${path}.part`, failing)).rejects.toThrow('half way')
  expect(await readdir(folder)).toEqual([])
  await replaceAtomically(path, `${path}.part`, make)
  expect(await readdir(path)).toEqual(['below'])
  expect(await readdir(folder)).toEqual(['example'])
})

test('what a killed writer left is removed, and nothing else', async () => {
  const file = join(folder, 'state.json')
  await writeFileAtomically(file, 'new')
  const others = [
    'state.json.tmp-',
    'state.json.tmp-1x',
    'state.json.tmp-1.old',
    'other.json.tmp-1',
    'xstate.json.tmp-1',
  ]
  for (const name of [...others, 'state.json.tmp-1', 'state.json.tmp-4711'])
    await writeFile(join(folder, name), '')
  removeUnfinishedWrites(file)
  expect((await readdir(folder)).toSorted()).toEqual(['state.json', ...others].toSorted())
})
