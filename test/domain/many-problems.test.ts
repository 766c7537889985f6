import { expect, test } from 'vitest'
import { listServerProblems, newServer } from '../../src/domain/server-state.ts'

test('the problems of a server are cut where they would be long, and say how many follow', () => {
  const dropped = new Map(Array.from({ length: 1000 }, (_, n) => [`${n}`, 'x'.repeat(159)]))
  const listed = listServerProblems({ ...newServer('10.0.0.1'), dropped })
  expect(listed).toHaveLength(101)
  expect(listed.at(-1)).toBe('900 more problems are not listed here: solve these first')
  const few = new Map([
    ['a', 'one'],
    ['b', 'two'],
  ])
  expect(listServerProblems({ ...newServer('10.0.0.1'), dropped: few })).toEqual(['one', 'two'])
})
