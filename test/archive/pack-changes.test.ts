import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRoot, packTo, untar } from '../support/packing.ts'

const NOBODY = 65534
const LARGE = 20 << 20

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pack-changes-'))
  mkdirSync(join(dir, 'v'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Packs a volume with one large file and does `change` when the first piece of the archive is written. */
async function packWhile(change: (file: string) => void) {
  const file = join(dir, 'v/large')
  const content = Buffer.alloc(LARGE, 'content that stays. ')
  writeFileSync(file, content)
  utimesSync(file, 1, 1)
  const beforeWrite = (count: number) => {
    if (count === 1) change(file)
  }
  const packed = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), { beforeWrite })
  await untar(packed.archive, join(dir, 'out'))
  return { ...packed, content, restored: readFileSync(join(dir, 'out/v/large')) }
}

describe('a file that changes while it is read', () => {
  test('that grew is a note, and its first bytes are kept', async () => {
    const { warnings, summary, content, restored } = await packWhile((file) => appendFileSync(file, 'more'))
    expect(warnings).toEqual(['note large: grew while it was read: only its length at the open is kept'])
    expect(summary.faults).toBe(0)
    expect(restored.equals(content)).toBe(true)
  })

  test('that shrank is a fault, zeros replace the rest, and the archive stays valid', async () => {
    const { warnings, summary, content, restored } = await packWhile((file) => truncateSync(file, LARGE / 2))
    expect(warnings).toEqual(['fault large: shrank while it was read: the rest of it is zeros'])
    expect(summary.faults).toBe(1)
    expect(restored).toHaveLength(LARGE)
    expect(restored.subarray(0, LARGE / 2).equals(content.subarray(0, LARGE / 2))).toBe(true)
    expect(restored.subarray(LARGE / 2).every((byte) => byte === 0)).toBe(true)
  })

  test('that was written in place is a fault', async () => {
    const inPlace = (file: string) => writeFileSync(file, Buffer.alloc(LARGE, 'other'), { flag: 'r+' })
    const { warnings, summary } = await packWhile(inPlace)
    expect(warnings).toEqual(['fault large: changed while it was read'])
    expect(summary.faults).toBe(1)
  })

  test('that was removed after it was opened is kept', async () => {
    const { warnings, content, restored } = await packWhile((file) => {
      unlinkSync(file)
      writeFileSync(file, 'another file of that name')
    })
    expect(warnings).toEqual([])
    expect(restored.equals(content)).toBe(true)
  })
})

test('a file that vanishes before it is opened is a note, and the rest is kept', async () => {
  for (let n = 0; n < 500; n++) writeFileSync(join(dir, `v/${n}`), `${n}`)
  let removed = 0
  const onProgress = ({ files }: { files: number }) => {
    for (; files > 0 && removed < 500; removed++) unlinkSync(join(dir, `v/${removed}`))
  }
  const { summary, warnings, archive } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), { onProgress })
  await untar(archive, join(dir, 'out'))
  expect(warnings.length).toBeGreaterThan(100)
  for (const warning of warnings) expect(warning).toMatch(/^note \d+: vanished before it was opened$/)
  expect(summary).toMatchObject({ faults: 0, files: 500 - warnings.length })
})

test.skipIf(!isRoot)('an unreadable file is a fault, and the rest is kept (needs root)', async () => {
  writeFileSync(join(dir, 'v/open'), 'x')
  writeFileSync(join(dir, 'v/closed'), 'secret')
  writeFileSync(join(dir, 'v/closed large'), Buffer.alloc(100_000))
  mkdirSync(join(dir, 'v/closed folder'))
  writeFileSync(join(dir, 'v/closed folder/inside'), 'x')
  for (const name of ['closed', 'closed large', 'closed folder']) chmodSync(join(dir, 'v', name), 0)
  for (const path of [dir, join(dir, 'v')]) chmodSync(path, 0o777)
  process.seteuid?.(NOBODY)
  const packed = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v')).finally(() => process.seteuid?.(0))
  expect(packed.warnings.toSorted()).toEqual([
    'fault closed folder: cannot be listed: permission denied (EACCES)',
    'fault closed large: cannot be opened: permission denied (EACCES)',
    'fault closed: cannot be read: permission denied (EACCES)',
  ])
  expect(packed.summary).toMatchObject({ faults: 3, files: 1, entries: 3 })
})

test('a link that leads out is kept as a link, never followed', async () => {
  writeFileSync(join(dir, 'outside'), 'secret')
  symlinkSync(join(dir, 'outside'), join(dir, 'v/link'))
  symlinkSync(dir, join(dir, 'v/folder'))
  const { summary } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'))
  expect(summary).toMatchObject({ entries: 3, files: 0, bytes: 0 })
})
