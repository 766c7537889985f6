import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { treeBatches } from '../../src/restic/read/tree-source.ts'
import { volumeTree } from '../../src/restic/read/volume-tree.ts'
import { given } from '../support/given.ts'
import { packTo, untar } from '../support/packing.ts'
import { parentOf } from '../support/repository-content.ts'

const BIG = 3 << 20

function makeVolume(): { volume: string; out: string } {
  const out = mkdtempSync(join(tmpdir(), 'moved-directory-'))
  onTestFinished(() => rmSync(out, { recursive: true, force: true }))
  const volume = join(out, 'v')
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(volume, name, 'deep/er'), { recursive: true })
    writeFileSync(join(volume, name, 'file'), name)
    writeFileSync(join(volume, name, 'deep/er/file'), name.repeat(100))
    writeFileSync(join(volume, name, 'big'), Buffer.alloc(BIG, name))
  }
  return { volume, out }
}

/** All files below a folder, with their content. */
function filesBelow(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.slice(folder.length + 1), readFileSync(path, 'latin1'))
  }
  return found
}

/** Calls `act` once, when everything in the folder that is read first was read. */
function onceInSecond(act: (first: string, last: string) => void, order: readonly string[]) {
  const [first = '', second = '', last = ''] = order
  let isDone = false
  return ({ path }: { path: Buffer }) => {
    if (isDone || !path.toString().startsWith(second)) return
    isDone = true
    act(first, last)
  }
}

describe('in a full backup', () => {
  async function packMoving(act: (volume: string, first: string, last: string) => void) {
    const { volume, out } = makeVolume()
    const order: string[] = []
    const note = ({ path }: { path: Buffer }) => void order.push(path.toString().split('/')[0] ?? '')
    await packTo(join(out, 'probe'), volume, { onProgress: note })
    const folders = [...new Set(order.filter((name) => name !== ''))]
    const onProgress = onceInSecond((first, last) => act(volume, first, last), folders)
    const packed = await packTo(join(out, 'archive'), volume, { onProgress })
    await untar(packed.archive, join(out, 'x'))
    return { ...packed, volume, restored: filesBelow(join(out, 'x/v')) }
  }

  test('a directory that moves into one already read is found', async () => {
    const { volume, restored, summary, warnings } = await packMoving((volume, first, last) =>
      renameSync(join(volume, last, 'deep'), join(volume, first, 'moved')),
    )
    for (const [path, content] of filesBelow(volume)) expect(restored.get(path), path).toBe(content)
    expect({ faults: summary.faults, warnings }).toEqual({ faults: 0, warnings: [] })
  })

  test('a directory that moves to the top of the volume is found', async () => {
    const { volume, restored, summary } = await packMoving((volume, _first, last) =>
      renameSync(join(volume, last, 'deep'), join(volume, 'zz')),
    )
    for (const [path, content] of filesBelow(volume)) expect(restored.get(path), path).toBe(content)
    expect(summary.faults).toBe(0)
  })

  /** Moves `last/deep` to `first/moved`, and does `act` when that is walked. */
  async function packMovingTwice(act: (volume: string, first: string) => void) {
    const { volume, out } = makeVolume()
    let step = 0
    let first = ''
    const packed = await packTo(join(out, 'archive'), volume, {
      onProgress({ path }) {
        const [top = '', second] = path.toString().split('/')
        first ||= top
        if (step === 0 && top !== first) {
          step = 1
          const last = readdirSync(volume).find((name) => name !== first && name !== top) ?? ''
          renameSync(join(volume, last, 'deep'), join(volume, first, 'moved'))
        }
        if (step !== 1 || second !== 'moved') return
        step = 2
        act(volume, first)
      },
    })
    expect(step).toBe(2)
    return { ...packed, first }
  }

  test('what appears during the second walk is a fault if it is old', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'moved-directory-'))
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }))
    mkdirSync(join(outside, 'folder'))
    writeFileSync(join(outside, 'file'), 'old')
    const { summary, warnings, first } = await packMovingTwice((volume, first) => {
      mkdirSync(join(volume, first, 'new'))
      renameSync(join(outside, 'file'), join(volume, first, 'new/file'))
      renameSync(join(outside, 'folder'), join(volume, first, 'folder'))
    })
    const message = 'was moved here while the volume was read, and may be missing in the backup'
    expect(warnings).toEqual([`fault ${first}/folder: ${message}`, `fault ${first}/new/file: ${message}`])
    expect(summary.faults).toBe(2)
  })

  test('what appears during the second walk is a note if it is new, or was read elsewhere', async () => {
    const { summary, warnings, first } = await packMovingTwice((volume, first) => {
      writeFileSync(join(volume, first, 'late'), 'new')
      renameSync(join(volume, first, 'file'), join(volume, first, 'renamed'))
    })
    expect(warnings).toEqual([`note ${first}: keeps changing: the backup lacks its newest entries`])
    expect(summary.faults).toBe(0)
  })

  test('a file that moves into a deeper directory already read is found', async () => {
    const { volume, restored } = await packMoving((volume, first, last) =>
      renameSync(join(volume, last, 'file'), join(volume, first, 'deep/er/moved')),
    )
    for (const [path, content] of filesBelow(volume)) expect(restored.get(path), path).toBe(content)
  })
})

describe('in a snapshot', () => {
  async function snapshotMoving(act: (volume: string) => void, from?: boolean) {
    const { volume } = makeVolume()
    const world = await given.repository()
    const { repository } = world
    const before = from ? await world.snapshot(repository, { volume }) : undefined
    const onProgress = onceInSecond(() => act(volume), ['a', 'b', 'c'])
    const summary = await world.snapshot(repository, {
      volume,
      onProgress,
      ...(before && { from: before.snapshotId }),
    })
    const { snapshot } = await parentOf(repository, summary.snapshotId)
    const { tree } = await volumeTree(repository, snapshot, volume)
    return { volume, summary, warnings: world.treeWarnings, names: await namesIn(tree), world, repository }

    async function namesIn(id: Buffer, folder = ''): Promise<string[]> {
      const names: string[] = []
      for await (const nodes of treeBatches(repository, id))
        for (const { name, subtree } of nodes) {
          const path = join(folder, name.toString())
          names.push(...(subtree ? [path, ...(await namesIn(subtree, path))] : [path]))
        }
      return names
    }
  }

  test.each([false, true])(
    'a directory that moves into one already read is found (again: %s)',
    async (from) => {
      const { volume, summary, warnings, names } = await snapshotMoving(
        (volume) => renameSync(join(volume, 'c/deep'), join(volume, 'a/deep/moved')),
        from,
      )
      for (const path of filesBelow(volume).keys()) expect(names).toContain(path)
      expect(warnings).toEqual([])
      expect(summary).toMatchObject({ faults: 0, entries: names.length + 1 })
    },
  )

  test('the next snapshot has it once, and lacks nothing', async () => {
    const { volume, summary, world, repository } = await snapshotMoving((volume) =>
      renameSync(join(volume, 'c/deep'), join(volume, 'a/moved')),
    )
    const next = await world.snapshot(repository, { volume, from: summary.snapshotId })
    expect(next).toMatchObject({ files: filesBelow(volume).size, bytesRead: 0, filesNew: 0 })
  })
})
