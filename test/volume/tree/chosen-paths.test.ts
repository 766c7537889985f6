import { expect, test } from 'vitest'
import { chosenPaths } from '../../../src/volume/tree/chosen-paths.ts'

const bytes = (path: string) => Buffer.from(path)

test('a chosen path includes everything below it, and its parents are only on the way', () => {
  const chosen = chosenPaths([bytes('a/b'), bytes('c')])
  const choices = ['a', 'a/b', 'a/b/x', 'a/bb', 'a/c', 'c', 'c/d/e', 'cc', 'b'].map((path) =>
    chosen.of(bytes(path)),
  )
  expect(choices).toEqual(['ancestor', 'all', 'all', 'none', 'none', 'all', 'all', 'none', 'none'])
})

test('choosing from a tree of thousands of levels is fast', { timeout: 30_000 }, () => {
  const level = 'a-folder-in-a-folder/'
  const pathAt = (depth: number) => bytes(`top/${level.repeat(depth)}file`)
  const chosen = chosenPaths([bytes('top'), bytes('other')])
  const choices = new Set(Array.from({ length: 2500 }, (_, depth) => chosen.of(pathAt(depth))))
  expect([...choices]).toEqual(['all'])
})
