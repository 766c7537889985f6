import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overlap, PathLock } from '../../src/engine/path-lock.ts'
import { RunQueue, type Ticket } from '../../src/engine/run-queue.ts'

const path = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`)
const paths = fc.array(path, { maxLength: 3 })

test.each([
  ['/v/db', '/v/db', true],
  ['/v/db/', '/v/db', true],
  ['/v/db', '/v', true],
  ['/', '/v/db', true],
  ['/v/db', '/v/db2', false],
  ['/v/db2', '/v/db', false],
  ['/v/./x/../db', '/v/db/wal', true],
])('%s and %s: %s', (a, b, meet) => {
  expect(overlap([a], [b])).toBe(meet)
  expect(overlap([b], [a])).toBe(meet)
})

test('held, found and released paths are those that overlap', () => {
  fc.assert(
    fc.property(fc.array(paths, { maxLength: 5 }), paths, (holders, wanted) => {
      const lock = new PathLock<number>()
      holders.forEach((held, index) => {
        lock.hold(held, index)
      })
      const inTheWay = holders.flatMap((held, index) => (overlap(held, wanted) ? [index] : []))
      expect(lock.isHeld(wanted)).toBe(inTheWay.length > 0)
      expect([...new Set(lock.holders(wanted))].sort()).toEqual(inTheWay)
      holders.forEach((held, index) => {
        lock.release(held, index)
      })
      expect(lock.isHeld(wanted)).toBe(false)
    }),
  )
})

test('a queue never runs overlapping or too many runs, and everyone gets a turn', () => {
  fc.assert(
    fc.property(
      fc.array(paths, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.nat()),
      (wishes, lanes, pick) => {
        const queue = new RunQueue(lanes)
        const running: Ticket[] = []
        const begun: Ticket[] = []
        for (const needs of wishes) {
          const ticket: Ticket = {
            needs,
            light: false,
            begin() {
              expect(running.every((other) => !overlap(other.needs, needs))).toBe(true)
              running.push(ticket)
              begun.push(ticket)
              expect(running.length).toBeLessThanOrEqual(lanes)
            },
          }
          queue.enter(ticket)
        }
        while (running.length > 0) {
          const [ended] = running.splice((pick.next().value as number) % running.length, 1)
          if (ended) queue.leave(ended)
        }
        expect(begun).toHaveLength(wishes.length)
      },
    ),
  )
})
