import { expect, test } from 'vitest'
import { Backlog } from '../../../src/restic/write/backlog.ts'
import { type NewNode, TreeBuilder } from '../../../src/restic/write/tree-builder.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { given } from '../../support/given.ts'
import { NEW_ROOT } from '../../support/swap-content.ts'

const BEFORE = Buffer.alloc(32, 1)

/** A node as the snapshot before has it, or not. */
function node(name: string, same: boolean): NewNode {
  const entry: TreeEntry = {
    ...NEW_ROOT,
    type: 'symlink',
    path: Buffer.from(name),
    linkTarget: Buffer.from('x'),
  }
  return { entry, content: null, subtree: null, same }
}

async function build(fill: (tree: TreeBuilder) => void): Promise<boolean> {
  const { repository } = await given.repository()
  const packs = repository.beginPacks()
  const tree = new TreeBuilder({ repository, packs }, new Backlog(100), BEFORE)
  fill(tree)
  const { id, same } = await tree.finish()
  await packs.finish()
  expect(id.equals(BEFORE)).toBe(same)
  return same
}

test('an unchanged directory keeps the tree of the previous snapshot', async () => {
  expect(
    await build((tree) => {
      tree.add(node('a', true))
      tree.add(Promise.resolve(node('b', true)))
    }),
  ).toBe(true)
})

test.each<[string, (tree: TreeBuilder) => void]>([
  ['one differs', (tree) => tree.add(node('b', false))],
  ['one is left out', (tree) => tree.add(Promise.resolve(undefined))],
  ['one is gone', (tree) => tree.differs()],
])('a directory of which %s is written again', async (_, change) => {
  expect(
    await build((tree) => {
      tree.add(node('a', true))
      change(tree)
    }),
  ).toBe(false)
})

test('a node that fails fails the directory, and callers that wait for room are told', async () => {
  const { repository } = await given.repository()
  const packs = repository.beginPacks()
  const backlog = new Backlog(0)
  const tree = new TreeBuilder({ repository, packs }, backlog, null)
  tree.add(Promise.reject(new Error('its content is lost')))
  await expect(tree.finish()).rejects.toThrow('its content is lost')
  expect(() => backlog.room()).toThrow('its content is lost')
  await packs.abandon()
})
