import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PhaseList } from '../../src/engine/phase-list.ts'
import { isoTime } from '../../src/lib/clock.ts'
import { MAX_PHASES, runPhasesSchema } from '../../src/wire/run-phase.ts'

const at = (second: number) => isoTime(second * 1000)

/** Enters each of them, a second apart, and does one byte in each. */
function listOf(names: readonly string[]): PhaseList {
  const phases = new PhaseList()
  for (const [n, name] of names.entries()) {
    phases.enter(name, n * 1000)
    phases.count(n + 1)
  }
  return phases
}

test('a phase ends where the next begins, and has the bytes that were done in it', () => {
  const phases = new PhaseList()
  phases.enter('start', 1000)
  phases.enter('pack', 2000)
  phases.count(100)
  phases.enter('pack', 3000)
  phases.count(150)
  phases.enter('recheck', 4000)
  phases.count(150)
  phases.enter('copy', 5000)
  phases.count(30)
  expect(phases.list.at(-1)).toEqual({ name: 'copy', start: at(5), end: null, bytes: 30 })
  phases.end(6000)
  phases.end(7000)
  expect(phases.list).toEqual([
    { name: 'start', start: at(1), end: at(2), bytes: 0 },
    { name: 'pack', start: at(2), end: at(4), bytes: 150 },
    { name: 'recheck', start: at(4), end: at(5), bytes: 0 },
    { name: 'copy', start: at(5), end: at(6), bytes: 30 },
  ])
})

test('a list that was handed out does not change', () => {
  const phases = listOf(['start'])
  const before = phases.list
  phases.count(9)
  phases.enter('pack', 2000)
  expect(before).toEqual([{ name: 'start', start: at(0), end: null, bytes: 1 }])
})

test('of a run with very many phases the first interruptions are joined with what they interrupted', () => {
  const turns = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? 'verify' : 'paused'))
  const { list } = listOf(['start', ...turns, 'publish'])
  expect(list).toHaveLength(MAX_PHASES)
  expect(list.slice(0, 3)).toEqual([
    { name: 'start', start: at(0), end: at(1), bytes: 1 },
    { name: 'verify', start: at(1), end: at(22), bytes: 21 },
    { name: 'paused', start: at(22), end: at(23), bytes: 1 },
  ])
  expect(list.at(-1)).toEqual({ name: 'publish', start: at(51), end: null, bytes: 1 })
})

test('whatever the phases are, the list is bounded, has no gap, and loses no byte', () => {
  const names = fc.array(fc.oneof(fc.constantFrom('a', 'b'), fc.string()), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(names, (all) => {
      const { list } = listOf(all)
      expect(list.length).toBeLessThanOrEqual(MAX_PHASES)
      expect(list.slice(1).map(({ start }) => start)).toEqual(list.slice(0, -1).map(({ end }) => end))
      expect(list.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(all.length)
      expect(runPhasesSchema.safeParse(list).success).toBe(all.every((name) => name.length <= 100))
    }),
  )
})
