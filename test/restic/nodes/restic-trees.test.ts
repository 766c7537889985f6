import { rmSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatGoTime, parseGoTime } from '../../../src/restic/nodes/go-time.ts'
import { encodeTree } from '../../../src/restic/nodes/tree-encoder.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { openVolume } from '../../../src/volume/tree/volume.ts'
import { walkTree } from '../../../src/volume/tree/walk.ts'
import { given } from '../../support/given.ts'
import { forWholeSuite } from '../../support/lifetime.ts'
import { readNodes } from '../../support/nodes.ts'
import { pointsOf } from '../../support/repository-tasks.ts'
import { hasRestic } from '../../support/restic.ts'
import { makeNastyTree } from '../../support/tree-make.ts'

describe.skipIf(!hasRestic)('trees that restic wrote (needs restic)', () => {
  let root: string
  let repository: Repository
  const trees: { folder: Buffer; json: string }[] = []

  beforeAll(
    () =>
      forWholeSuite(async () => {
        const { volume, restic, open } = await given.unmadeRepository()
        root = volume
        rmSync(volume, { recursive: true })
        makeNastyTree(volume)
        rmSync(`${volume}/sparse`, { recursive: true })
        restic('init')
        restic('backup', volume)
        repository = await open()
        await repository.loadIndex()
        const [newest] = await pointsOf(repository)
        await collect(newest?.snapshot.tree ?? Buffer.alloc(0), Buffer.alloc(0))
      }),
    60_000,
  )

  async function collect(tree: Buffer, folder: Buffer): Promise<void> {
    const json = await repository.readBlob('tree', tree)
    trees.push({ folder, json: json.toString() })
    for (const { entry, subtree } of readNodes(json, folder)) if (subtree) await collect(subtree, entry.path)
  }

  it('are written by us with the same bytes, except what we leave out', () => {
    expect(trees.length).toBeGreaterThan(20)
    for (const { folder, json } of trees) {
      const nodes = [...readNodes(Buffer.from(json), folder)]
      const ours = encodeTree(
        nodes.map(({ entry, content, subtree }) => ({
          entry,
          content: entry.type === 'file' ? content : null,
          subtree,
        })),
      )
      expect(comparable(ours.toString())).toBe(comparable(json))
    }
  })

  it('describe every entry as the volume has it', async () => {
    using volume = await openVolume(root)
    const prefix = root.slice(1)
    const stored = new Map<string, TreeEntry>()
    for (const { folder, json } of trees) {
      for (const { entry } of readNodes(Buffer.from(json), folder))
        stored.set(entry.path.toString('latin1'), entry)
    }
    let compared = 0
    const onWarning = () => {}
    for await (const items of walkTree(volume, { signal: new AbortController().signal, onWarning })) {
      for (const { entry } of items) {
        const path = entry.path.length === 0 ? prefix : `${prefix}/${entry.path.toString('latin1')}`
        expect(pick(stored.get(path))).toEqual(pick(entry))
        compared++
      }
    }
    expect(compared).toBeGreaterThan(100)
  })
})

/** Times in UTC, without names of owners, times of access, the links of fifos; and a link to no text is lost in restic's. */
function comparable(json: string): string {
  return json
    .replaceAll(/"(user|group)":"[^"]*",/g, '')
    .replaceAll(
      /"(.)time":"([^"]*)"/g,
      (_, of, time) => `"${of}time":"${formatGoTime(parseGoTime(time) ?? 0n)}"`,
    )
    .replaceAll(/"atime":"[^"]*",/g, '')
    .replaceAll(/,"links":\d+(,"content":null)/g, '$1')
    .replaceAll('\\ufffd', '\ufffd')
}

/** What unchanged files are known by, and the rest of what this restic does not lose. */
function pick(entry: TreeEntry | undefined) {
  if (!entry) return undefined
  const { type, mode, uid, gid, size, mtimeNs, ctimeNs, device, inode, major, minor } = entry
  const xattrs = type === 'symlink' ? [] : entry.xattrs
  const links = type === 'file' ? entry.links : 0
  return { type, mode, uid, gid, size, mtimeNs, ctimeNs, device, inode, major, minor, links, xattrs }
}
