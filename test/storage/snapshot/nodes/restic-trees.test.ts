import { rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatGoTime, parseGoTime } from '../../../../src/storage/snapshot/nodes/go-time.ts'
import { readNodes } from '../../../../src/storage/snapshot/nodes/read-nodes.ts'
import { parseSnapshot } from '../../../../src/storage/snapshot/nodes/snapshot-file.ts'
import { encodeTree } from '../../../../src/storage/snapshot/nodes/tree-encoder.ts'
import type { TreeEntry } from '../../../../src/storage/tree/entry.ts'
import { openVolume } from '../../../../src/storage/tree/volume.ts'
import { walkTree } from '../../../../src/storage/tree/walk.ts'
import { hasRestic, restic } from '../../../support/restic.ts'
import { makeNastyTree } from '../../../support/tree-make.ts'

describe.skipIf(!hasRestic)('trees that restic wrote (needs restic)', () => {
  let scratch: string
  let run: ReturnType<typeof restic>
  const trees: { folder: Buffer; json: string }[] = []

  beforeAll(async () => {
    scratch = await mkdtemp(`${tmpdir()}/restic-trees-`)
    writeFileSync(`${scratch}/password`, 'secret')
    run = restic(`${scratch}/repo`, `${scratch}/password`)
    makeNastyTree(`${scratch}/volume`)
    // To read a tree is a run of restic's.
    for (const name of ['deep', 'modes', 'content', 'sparse', 'capability']) {
      rmSync(`${scratch}/volume/${name}`, { recursive: true })
    }
    run('init')
    run('backup', `${scratch}/volume`)
    const [{ id }] = JSON.parse(run('snapshots', '--json')) as [{ id: string }]
    const json = Buffer.from(run('cat', 'snapshot', id))
    collect(parseSnapshot(id, json).tree, Buffer.alloc(0))
  }, 60_000)

  afterAll(() => rmSync(scratch, { recursive: true }))

  function collect(tree: Buffer, folder: Buffer): void {
    const json = run('cat', 'blob', tree.toString('hex'))
    trees.push({ folder, json })
    for (const { entry, subtree } of readNodes(Buffer.from(json), folder))
      if (subtree) collect(subtree, entry.path)
  }

  it('are written by us in the same bytes, but for what we leave out', () => {
    expect(trees.length).toBeGreaterThan(12)
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

  it('tell of every entry what the volume itself tells', async () => {
    using volume = await openVolume(`${scratch}/volume`)
    const prefix = `${scratch.slice(1)}/volume`
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
    expect(compared).toBeGreaterThan(50)
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
