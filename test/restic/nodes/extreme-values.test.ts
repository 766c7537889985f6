import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatGoTime, parseGoTime, toStorableTime } from '../../../src/restic/nodes/go-time.ts'
import { streamNodes } from '../../../src/restic/nodes/read-nodes.ts'
import { encodeSnapshot, parseSnapshot } from '../../../src/restic/nodes/snapshot-file.ts'
import { encodeTree } from '../../../src/restic/nodes/tree-encoder.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { extremeEntry, extremeName, extremeTime } from '../../support/extreme-entries.ts'
import { encodeNode, parseNode } from '../../support/nodes.ts'

const id = Buffer.alloc(32, 0xab)

function factsOf({ type }: TreeEntry) {
  return { content: type === 'file' ? [id, id] : null, subtree: type === 'directory' ? id : null }
}

/** Times as far as the format holds them; a directory's number of names is not kept. */
function asKept(entry: TreeEntry): TreeEntry {
  const { mtimeNs, ctimeNs, links, type } = entry
  const kept = { mtimeNs: toStorableTime(mtimeNs), ctimeNs: toStorableTime(ctimeNs) }
  return { ...entry, ...kept, links: type === 'directory' ? 1 : links }
}

test('every time within the supported years is kept, and every other is moved once to the nearest', () => {
  fc.assert(
    fc.property(extremeTime, (ns) => {
      const kept = toStorableTime(ns)
      expect(parseGoTime(formatGoTime(ns))).toBe(kept)
      expect(toStorableTime(kept)).toBe(kept)
    }),
  )
})

test('a node with any values is read back the same', () => {
  fc.assert(
    fc.property(extremeEntry, (entry) => {
      const folder = entry.path.subarray(0, Math.max(entry.path.lastIndexOf('/'), 0))
      const node = parseNode(encodeNode(entry, factsOf(entry)), folder)
      expect(node?.entry).toEqual(asKept(entry))
      expect(node?.content).toEqual(entry.type === 'file' ? [id, id] : [])
      expect(node?.subtree).toEqual(entry.type === 'directory' ? id : null)
    }),
  )
})

test('a tree of any nodes is read back the same in pieces of any size', async () => {
  const names = fc.uniqueArray(extremeName, {
    minLength: 1,
    maxLength: 6,
    selector: (name) => name.toString('latin1'),
  })
  const entries = names.chain((all) =>
    fc.tuple(
      ...all.toSorted(Buffer.compare).map((path) => extremeEntry.map((entry) => ({ ...entry, path }))),
    ),
  )
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 300 }), async (all, size) => {
      const tree = encodeTree(all.map((entry) => ({ entry, ...factsOf(entry) })))
      async function* pieces() {
        for (let at = 0; at < tree.length; at += size) yield tree.subarray(at, at + size)
      }
      const nodes = (await Array.fromAsync(streamNodes(pieces()))).flat()
      expect(nodes.map(({ entry }) => entry)).toEqual(all.map(asKept))
    }),
  )
})

test('a snapshot file with any text is read back the same', () => {
  const text = fc.string({ unit: 'binary' })
  const filled = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(text, fc.array(text), fc.array(filled), extremeTime, (hostname, paths, tags, ns) => {
      const file = {
        time: formatGoTime(ns),
        tree: id,
        parent: null,
        paths,
        hostname,
        username: '',
        uid: 2 ** 32 - 1,
        gid: 0,
        tags,
        original: null,
        backupd: null,
      }
      expect(parseSnapshot('ab'.repeat(32), encodeSnapshot(file))).toEqual(file)
    }),
  )
})
