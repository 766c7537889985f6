import { expect, test } from 'vitest'
import { findNestedPaths } from '../../src/lib/nested-paths.ts'

function nestedIn(...paths: [path: string, owner: string, server?: string][]) {
  const owned = paths.map(([path, owner, server = '10.0.0.1']) => ({ path, owner, server }))
  return findNestedPaths(owned).map(({ inner, outer }) => `${inner.path} in ${outer.path}`)
}

test('names that sort between a directory and its content hide nothing', () => {
  expect(nestedIn(['/a', 'x'], ['/a-b', 'x'], ['/a.b/c', 'x'], ['/a/b/c', 'y'])).toEqual(['/a/b/c in /a'])
})

test('the nearest directory of another owner is named, past those of the same owner', () => {
  expect(nestedIn(['/a/b/c', 'x'], ['/a/b', 'x'], ['/a', 'y'], ['/ab', 'z'])).toEqual([
    '/a/b in /a',
    '/a/b/c in /a',
  ])
})

test('the same owner, another server, and a similar name are fine', () => {
  expect(nestedIn(['/a', 'x'], ['/a/b', 'x'], ['/a/b/c', 'y', '10.0.0.2'], ['/ab', 'y'])).toEqual([])
})

test('one directory with two owners is found among very many with one', () => {
  const many = Array.from({ length: 20_000 }, (): [string, string] => ['/a', 'x'])
  expect(nestedIn(...many, ['/a', 'y'])).toEqual(['/a in /a'])
})
