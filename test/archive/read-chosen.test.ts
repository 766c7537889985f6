import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type ChosenPlan, planChosen } from '../../src/archive/plan-chosen.ts'
import { unpackChosen } from '../../src/archive/unpack-chosen.ts'
import type { ObjectReader } from '../../src/objects/driver.ts'
import { chosenFiles } from '../../src/volume/tree/chosen-paths.ts'
import { bytesReader, packTo } from '../support/packing.ts'
import { tempDir } from '../support/temp-dir.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { makeNastyTree } from '../support/tree-make.ts'
import { unpack } from '../support/unpack-kit.ts'

const MIB = 1024 * 1024
const signal = new AbortController().signal

/** A volume of several members, packed; `unpackFiles` reads only what it must. */
async function packedVolume() {
  const dir = tempDir()
  const volume = join(dir, 'db')
  mkdirSync(join(volume, 'sub/deep'), { recursive: true })
  makeNastyTree(join(volume, 'nasty'))
  chmodSync(join(volume, 'sub/deep'), 0o710)
  writeFileSync(join(volume, 'sub/deep/large'), randomBytes(5 * MIB + 77))
  for (const name of ['a', 'b', 'c', 'sub/deep/d', 'z'])
    writeFileSync(join(volume, name), randomBytes(MIB - 1000))
  writeFileSync(join(volume, 'tiny'), 'tiny')
  linkSync(join(volume, 'tiny'), join(volume, 'tiny-too'))
  const { archive, index } = await packTo(join(dir, 'archive'), volume)
  const bytes = readFileSync(archive)
  const target = () => mkdtempSync(join(dir, 'target-'))
  const into = (files: string[]) => {
    const warnings: string[] = []
    const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
      void warnings.push(`${path}: ${message}`)
    return { target: target(), chosen: chosenFiles(files), signal, onProgress: () => {}, onWarning, warnings }
  }
  const plan = async (files: string[]): Promise<ChosenPlan> => {
    const found = await planChosen(bytesReader(index), chosenFiles(files), { size: bytes.length, signal })
    if (!found) throw new Error('the index does not help')
    return found
  }
  return {
    bytes,
    index,
    plan,
    async unpackFiles(files: string[], content = bytes) {
      const read: [number, number][] = []
      const reader = countReads(Buffer.from(content), read)
      const where = into(files)
      const summary = await unpackChosen({ ...where, archive: reader, plan: await plan(files) })
      return { summary, read, target: where.target, warnings: where.warnings }
    },
    async unpackWhole(files: string[]) {
      const where = into(files)
      const summary = await unpack(Buffer.from(bytes), where.target, where)
      return { summary, target: where.target, warnings: where.warnings }
    },
  }
}

function countReads(bytes: Buffer, read: [number, number][]): ObjectReader {
  const reader = bytesReader(bytes)
  return {
    ...reader,
    read: async (position, length) => {
      read.push([position, length])
      return Buffer.from(await reader.read(position, length))
    },
  }
}

test.each([
  [['a']],
  [['sub', 'nasty']],
  [['sub/deep/d', 'z', 'b']],
  [['tiny', 'tiny-too']],
  [['tiny-too']],
  [['sub/deep/large', 'nowhere']],
])('chosen files come back as from reading the whole archive: %j', async (files) => {
  const { unpackFiles, unpackWhole } = await packedVolume()
  const [some, whole] = [await unpackFiles(files), await unpackWhole(files)]
  // Neither changes the target folder itself.
  const isBelow = (difference: string) => !difference.startsWith(': ')
  expect(compareTrees(whole.target, some.target).filter(isBelow)).toEqual([])
  expect(whole.summary).toMatchObject(some.summary)
  expect(some.warnings).toEqual(whole.warnings)
})

test('nothing is read but the members of the chosen files', async () => {
  const { unpackFiles, plan, bytes } = await packedVolume()
  const { read } = await unpackFiles(['z'])
  const { members } = await plan(['z'])
  expect(read).toEqual(members.map(({ at, bytes }) => [at, bytes]))
  expect(read.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(
    Math.min(2.1 * MIB, bytes.length / 3),
  )
  expect((await unpackFiles(['nowhere'])).read).toEqual([])
})

test('damage elsewhere in the archive does not matter, damage in them is found', async () => {
  const { unpackFiles, plan, bytes } = await packedVolume()
  const { members } = await plan(['sub/deep/large'])
  const damaged = (at: number) => {
    const content = Buffer.from(bytes)
    content[at] = (content[at] ?? 0) ^ 1
    return content
  }
  const [{ at: first } = { at: 0 }] = members
  await unpackFiles(['a'], damaged(first + MIB))
  await expect(unpackFiles(['sub/deep/large'], damaged(first + MIB))).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
  })
  await expect(unpackFiles(['sub/deep/large'], bytes.subarray(0, first + 9))).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
  })
})

test('a file whose content is not that of the index is damaged', async () => {
  const { plan, bytes } = await packedVolume()
  const changed = await plan(['a'])
  for (const entry of changed.entries) if (entry.sha256 !== null) entry.sha256 = '0'.repeat(64)
  const unpacking = unpackChosen({
    target: tempDir(),
    chosen: chosenFiles(['a']),
    signal,
    onProgress: () => {},
    onWarning: () => {},
    archive: bytesReader(bytes),
    plan: changed,
  })
  await expect(unpacking).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringContaining('another sha256 than in the index'),
  })
})

test('an index that does not fit the archive is of no help', async () => {
  const { index, bytes } = await packedVolume()
  const size = bytes.length + 1
  expect(await planChosen(bytesReader(index), chosenFiles(['a']), { size, signal })).toBeNull()
})

test.each([
  ['into each other', 512, true],
  ['one byte into each other', 1, true],
  ['side by side', 0, false],
])('entries of an index that reach %s', async (_how, tooFar, isUseless) => {
  const { index, bytes: archive } = await packedVolume()
  const lines = gunzipSync(index).toString().split('\n')
  const isFile = (line = '') => line.startsWith('{"kind":"entry"') && JSON.parse(line).type === 'file'
  const at = lines.findIndex((line, n) => isFile(line) && isFile(lines[n + 1]))
  const [entry, next] = lines.slice(at, at + 2).map((line) => JSON.parse(line))
  lines[at] = JSON.stringify({ ...entry, length: entry.length + tooFar })
  const plan = await planChosen(
    bytesReader(gzipSync(lines.join('\n'))),
    chosenFiles([entry.path, next.path]),
    { size: archive.length, signal },
  )
  expect(plan === null).toBe(isUseless)
})
