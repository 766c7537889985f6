import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { bytesToText } from '../../../src/lib/byte-paths.ts'
import { findNode, type VolumeTree, volumeTree } from '../../../src/restic/read/volume-tree.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { restoreTree } from '../../../src/restic/restore/restore-tree.ts'
import { type Chosen, chosenPaths, EVERYTHING } from '../../../src/volume/tree/chosen-paths.ts'
import type { TreeWarning } from '../../../src/volume/tree/entry.ts'
import type { UnmadeRepository } from '../../support/given/repository.ts'
import { given } from '../../support/given.ts'
import { forWholeSuite } from '../../support/lifetime.ts'
import { pointsOf } from '../../support/repository-tasks.ts'
import { hasRestic } from '../../support/restic.ts'
import { compareTrees } from '../../support/tree-compare.ts'
import { makeNastyTree } from '../../support/tree-make.ts'

/** What restic 0.14 itself does not keep, whoever restores it. */
const LOST_BY_RESTIC = [
  'attributes/link: xattrs is , expected trusted.on_a_link=6c',
  'names/link to bytes: linkTarget is \ufffd\\x0a", expected \\xff\\x0a"',
  'special/fifo: hardLinkOf is , expected special/fifo',
  'special/hard link of the fifo: hardLinkOf is , expected special/fifo',
]

describe.skipIf(!hasRestic)('a snapshot that restic made (needs restic)', () => {
  let world: UnmadeRepository
  let repository: Repository
  let volume: VolumeTree
  let outs = 0
  const warnings: TreeWarning[] = []

  beforeAll(() => forWholeSuite(start), 60_000)

  async function start() {
    world = await given.unmadeRepository()
    rmSync(world.volume, { recursive: true })
    makeNastyTree(world.volume)
    rmSync(`${world.volume}/sparse/beyond 8 GiB`)
    mkdirSync(`${world.volume}/twice`)
    for (const name of ['a', 'b']) writeFileSync(`${world.volume}/twice/${name}`, 'the same in both')
    linkSync(`${world.volume}/twice/b`, `${world.volume}/twice/link of b`)
    world.restic('init')
    world.restic('backup', world.volume)
    repository = await world.open()
    await repository.loadIndex()
    const newest = (await pointsOf(repository)).at(-1)
    if (!newest) throw new Error('there is no snapshot')
    volume = await volumeTree(repository, newest.snapshot)
  }

  async function restore({
    chosen = EVERYTHING,
    signal = new AbortController().signal,
  }: {
    chosen?: Chosen
    signal?: AbortSignal
  } = {}) {
    const target = `${world.dir}/out-${outs++}`
    mkdirSync(target)
    const seen = { bytes: 0, files: 0, calls: 0 }
    warnings.length = 0
    const summary = await restoreTree({
      source: repository,
      volume,
      target,
      chosen,
      signal,
      onProgress: ({ bytes, files }) => Object.assign(seen, { bytes, files, calls: seen.calls + 1 }),
      onWarning: (warning) => void warnings.push(warning),
    })
    return { target, summary, seen }
  }

  /** Changes one byte of a blob where it lies. Give it back by calling what this returns. */
  function flip(type: 'data' | 'tree', id: Buffer): { pack: string; heal(): void } {
    const place = repository.locate(type, id)
    if (!place) throw new Error('the blob is missing')
    const file = `${world.path}/data/${place.pack.slice(0, 2)}/${place.pack}`
    const before = readFileSync(file)
    const at = place.offset + Math.floor(place.length / 2)
    const put = (bytes: Buffer) => {
      const fd = openSync(file, 'r+')
      writeSync(fd, bytes, at, 1, at)
      closeSync(fd)
    }
    put(before.map((byte) => byte ^ 1) as Buffer)
    return { pack: place.pack, heal: () => put(before) }
  }

  const contentOf = async (path: string) =>
    (await findNode(repository, volume, Buffer.from(path)))?.content[0] as Buffer

  it('is restored exactly, except what restic does not keep', async () => {
    const { target, summary, seen } = await restore()
    const differences = compareTrees(world.volume, target, { ignoreRoot: true })
    expect(differences).toEqual(LOST_BY_RESTIC)
    expect(warnings).toEqual([])
    const { mtimeNs } = statSync(world.volume, { bigint: true })
    expect(summary).toMatchObject({ faults: 0, root: { mode: 0o750, mtimeNs } })
    expect(seen).toMatchObject({ bytes: summary.bytes, files: summary.files })
    expect(seen.calls).toBeGreaterThanOrEqual(summary.entries - 1)
  })

  it('is restored in part, with the folders on the way', async () => {
    const chosen = chosenPaths([
      Buffer.from('links/a'),
      Buffer.from('links/b'),
      Buffer.from('content'),
      Buffer.from('names/f\xff\xfe', 'latin1'),
    ])
    const { target } = await restore({ chosen })
    const except = [
      'links/z',
      'links/hard link of a symlink',
      'links/symlink',
      'links/dangling',
      'links/up',
      'links/to dir',
    ]
    const whole = compareTrees(world.volume, target, {
      ignoreRoot: true,
      except,
      ignore: ['hardLinkOf'],
    })
    expect(whole.filter((text) => !text.endsWith(': missing'))).toEqual([])
    const missing = whole.map((text) => text.slice(0, -': missing'.length))
    expect(missing).toContain('names/empty')
    expect(missing.filter((path) => /^(links|content)(\/|$)|^names$|^names\/f/.test(path))).toEqual([])
    expect(readFileSync(`${target}/links/b`, 'utf8')).toBe('hello')
  })

  it('with a damaged byte is refused, and every affected path is named', async () => {
    const [twice, other] = [await contentOf('twice/a'), await contentOf('content/3000001')]
    const faults = [flip('data', twice), flip('data', other)]
    try {
      await expect(restore()).rejects.toThrow(
        expect.objectContaining({
          code: 'SNAPSHOT_CORRUPT',
          message: expect.stringContaining('"twice/a"'),
          facts: {
            packs: expect.arrayContaining(faults.map(({ pack }) => pack)),
            files: ['content/3000001', 'twice/a', 'twice/b', 'twice/link of b'],
            count: 4,
          },
        }),
      )
      const { target } = await restore({ chosen: chosenPaths([Buffer.from('links')]) })
      expect(compareTrees(`${world.volume}/links`, `${target}/links`)).toEqual([])
    } finally {
      for (const { heal } of faults) heal()
    }
    await restore()
  })

  it('with a damaged folder is refused, and the folder is named', async () => {
    const fault = flip('tree', (await findNode(repository, volume, Buffer.from('deep')))?.subtree as Buffer)
    const facts = { packs: [fault.pack], files: ['deep'], count: 1 }
    await expect(restore()).rejects.toThrow(expect.objectContaining({ code: 'SNAPSHOT_CORRUPT', facts }))
    fault.heal()
  })

  it('with a truncated or missing pack is refused', async () => {
    const { pack = '' } = repository.locate('data', await contentOf('links/a')) ?? {}
    const file = `${world.path}/data/${pack.slice(0, 2)}/${pack}`
    const whole = readFileSync(file)
    for (const harm of [() => truncateSync(file, 10), () => rmSync(file)]) {
      harm()
      const again = await world.open()
      await again.loadIndex()
      const chosen = chosenPaths([Buffer.from('links')])
      const target = `${world.dir}/out-${outs++}`
      mkdirSync(target)
      const quiet = { onProgress: () => {}, onWarning: () => {}, signal: new AbortController().signal }
      await expect(restoreTree({ source: again, volume, target, chosen, ...quiet })).rejects.toThrow(
        expect.objectContaining({
          code: 'SNAPSHOT_CORRUPT',
          facts: { packs: [pack], files: ['links/a', 'links/b', 'links/z/c'], count: 3 },
        }),
      )
      writeFileSync(file, whole)
    }
  })

  it('is given up when it is cancelled', async () => {
    const cancelled = new AbortController()
    cancelled.abort(new Error('enough'))
    await expect(restore({ signal: cancelled.signal })).rejects.toThrow('enough')
  })

  it('may contain none of the chosen paths', async () => {
    const { summary } = await restore({ chosen: chosenPaths([Buffer.from('no/such')]) })
    expect(summary).toMatchObject({ entries: 1, files: 0, bytes: 0 })
    expect(warnings.map(({ path }) => bytesToText(path))).toEqual([])
  })
})
