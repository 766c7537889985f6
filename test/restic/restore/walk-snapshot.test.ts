import { expect, test } from 'vitest'
import { Damage } from '../../../src/restic/restore/damage.ts'
import { walkSnapshot } from '../../../src/restic/restore/walk-snapshot.ts'
import { type Chosen, chosenPaths, EVERYTHING } from '../../../src/volume/tree/chosen-paths.ts'
import { MemoryTrees } from '../../support/memory-trees.ts'

async function walked(source: MemoryTrees, tree: Buffer, chosen: Chosen = EVERYTHING): Promise<string[]> {
  const walk = { source, chosen, damage: new Damage(), signal: new AbortController().signal }
  const paths: string[] = []
  for await (const nodes of walkSnapshot(walk, tree))
    paths.push(...nodes.map(({ entry }) => entry.path.toString()))
  return paths
}

test('each directory comes before its content, and what follows it comes after the content', async () => {
  const trees = new MemoryTrees()
  const top = trees.add({ a: 'a', b: { c: {}, d: 'd' }, e: 'e', f: { g: 'g' } })
  expect(await walked(trees, top)).toEqual(['a', 'b', 'b/c', 'b/d', 'e', 'f', 'f/g'])
  const chosen = chosenPaths([Buffer.from('b/d'), Buffer.from('f')])
  expect(await walked(trees, top, chosen)).toEqual(['b', 'b/d', 'f', 'f/g'])
})

test('a tree deeper than the stack is walked to its end', async () => {
  const trees = new MemoryTrees()
  const paths = await walked(trees, trees.addBelow(trees.add({ leaf: 'leaf' }), 5000))
  expect(paths).toHaveLength(5001)
  expect(paths.at(-1)).toBe(`${'d/'.repeat(5000)}leaf`)
})
