import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobEntry, type VolumeEntry } from '../../../src/domain/health/job-entry.ts'
import { JobNumbers } from '../../../src/domain/health/job-numbers.ts'
import { VOLUME_STATES } from '../../../src/domain/health/states.ts'
import type { PlannedJob } from '../../../src/domain/plan.ts'

const ms = fc.integer({ min: 0, max: 8_640_000_000_000 })
const words = fc.option(fc.string({ maxLength: 20 }).filter((text) => text !== ''))
const lastRun = fc.record({
  rid: fc.string({ minLength: 1 }),
  at: ms,
  state: fc.constantFrom('success' as const, 'partial', 'failed', 'cancelled', 'lost'),
  reason: fc.string({ maxLength: 20 }),
  code: words,
})
const newest = fc.record({
  at: ms,
  state: fc.constantFrom('success' as const, 'partial'),
  suspect: words,
  corrupt: words,
})
const facts = fc.record({
  countedFrom: ms,
  pausedSince: fc.option(ms),
  graceMs: fc.option(ms),
  checkAt: fc.option(ms),
  proofFrom: fc.option(ms),
  isLoaded: fc.boolean(),
  inherits: words,
  lastRun: fc.option(lastRun),
  condition: fc.record({
    lastGoodAt: fc.option(ms),
    provenAt: fc.option(ms),
    newest: fc.option(newest),
    unusual: fc.option(fc.record({ at: ms, because: fc.string() })),
  }),
  standing: fc.dictionary(fc.constantFrom(...VOLUME_STATES), ms, { noNullPrototype: true }),
})
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never
const planned = { id: 'a', mode: 'full' } as PlannedJob
const volume = { jobs: [] } as unknown as VolumeEntry

function readFacts(entry: JobEntry): Facts {
  const { countedFrom, pausedSince, graceMs, checkAt, proofFrom, isLoaded, inherits } = entry
  const { lastRun, condition, standing } = entry
  const times = { countedFrom, pausedSince, graceMs, checkAt, proofFrom }
  return { ...times, isLoaded, inherits, lastRun, condition, standing }
}

test('whatever is written to the entries of jobs is read again, also after rows were given to other jobs', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), at: fc.nat(5), facts }),
    fc.record({ kind: fc.constant('replace' as const), at: fc.nat(5) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new JobNumbers(1)
      const open = () => new JobEntry(table, planned, volume)
      const entries = Array.from({ length: 6 }, open)
      const model = new Map(entries.map((entry) => [entry, readFacts(entry)]))
      for (const one of steps) {
        const entry = entries[one.at] as JobEntry
        if (one.kind === 'write') {
          Object.assign(entry, one.facts)
          model.set(entry, one.facts)
        } else {
          entry.leave()
          const next = open()
          entries[one.at] = next
          model.set(next, readFacts(next))
          expect(readFacts(next)).toMatchObject({
            lastRun: null,
            standing: {},
            isLoaded: false,
            graceMs: null,
          })
        }
      }
      for (const [entry, known] of model) expect(readFacts(entry)).toEqual(known)
      expect([...model.keys()].filter(({ isGone }) => !isGone)).toEqual(entries)
    }),
  )
})
