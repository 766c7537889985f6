import { describe, expect, test } from 'vitest'
import { type JobFacts, judgeJob } from '../../../src/domain/health/rules.ts'
import { joinStandings, listStates, type Standing, VOLUME_STATES } from '../../../src/domain/health/states.ts'
import type { EndedRun, NewestBackup } from '../../../src/domain/health-ports.ts'
import { ridOf } from '../../support/catalog-samples.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-24T06:00:00Z')
const GRACE = 600_000

function run(state: EndedRun['state'], at = NOW - HOUR): EndedRun {
  return { rid: ridOf(1), at, state, reason: '', code: null }
}

function newest(changes: Partial<NewestBackup> = {}): NewestBackup {
  return { at: NOW - HOUR, state: 'success', suspect: null, corrupt: null, ...changes }
}

/** A job whose last run succeeded an hour ago; the next is due in an hour. */
function facts(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    pausedSince: null,
    lastRun: run('success'),
    condition: { lastGoodAt: NOW - HOUR, provenAt: null, newest: newest(), unusual: null },
    countedFrom: NOW - 100 * HOUR,
    firstDue: null,
    due: NOW + HOUR,
    provenUntil: null,
    graceMs: GRACE,
    ...changes,
  }
}

const NOTHING = { lastGoodAt: null, provenAt: null, newest: null, unusual: null }
const GOOD_BEFORE = (bad: Partial<NewestBackup>) => ({
  lastGoodAt: NOW - 9 * HOUR,
  provenAt: null,
  newest: newest(bad),
  unusual: null,
})

const CASES: { title: string; facts: JobFacts; before?: Standing; expected: Standing }[] = [
  { title: 'a good backup', facts: facts(), expected: { OK: NOW - HOUR } },
  {
    title: 'a planned time that has just passed',
    facts: facts({ due: NOW - GRACE + 1 }),
    before: { OK: 1 },
    expected: { OK: 1 },
  },
  { title: 'the grace has passed', facts: facts({ due: NOW - GRACE }), expected: { OVERDUE: NOW } },
  {
    title: 'overdue begins when the grace ended, however late it is noticed',
    facts: facts({ due: NOW - 5 * HOUR }),
    before: { OK: 1 },
    expected: { OVERDUE: NOW - 5 * HOUR + GRACE },
  },
  {
    title: 'a grace that is being measured raises nothing',
    facts: facts({ due: NOW - HOUR, graceMs: null }),
    before: { OK: 1 },
    expected: { OK: 1 },
  },
  {
    title: 'and ends nothing',
    facts: facts({ due: NOW - HOUR, graceMs: null }),
    before: { OVERDUE: NOW - 5 },
    expected: { OVERDUE: NOW - 5 },
  },
  {
    title: 'a run ends overdue, although the grace is not measured yet',
    facts: facts({ graceMs: null }),
    before: { OVERDUE: NOW - 5 },
    expected: { OK: NOW },
  },
  { title: 'a failed run', facts: facts({ lastRun: run('failed') }), expected: { FAILING: NOW - HOUR } },
  { title: 'a lost run', facts: facts({ lastRun: run('lost') }), expected: { FAILING: NOW - HOUR } },
  {
    title: 'a cancelled run',
    facts: facts({ lastRun: run('cancelled') }),
    expected: { FAILING: NOW - HOUR },
  },
  {
    title: 'failing since the first of several failures',
    facts: facts({ lastRun: run('failed') }),
    before: { FAILING: 7 },
    expected: { FAILING: 7 },
  },
  {
    title: 'a failed run, and the next one does not come',
    facts: facts({ lastRun: run('failed'), due: NOW - HOUR }),
    expected: { OVERDUE: NOW - HOUR + GRACE, FAILING: NOW - HOUR },
  },
  {
    title: 'a proof that has become too old',
    facts: facts({ provenUntil: NOW - HOUR }),
    before: { OK: 1 },
    expected: { UNPROVEN: NOW - HOUR },
  },
  {
    title: 'a proof that is young enough',
    facts: facts({ provenUntil: NOW + 1 }),
    before: { UNPROVEN: 7 },
    expected: { OK: NOW },
  },
  {
    title: 'no good backup that could be proven',
    facts: facts({ provenUntil: NOW - HOUR, condition: NOTHING, firstDue: NOW + HOUR }),
    expected: { UNKNOWN: NOW - 100 * HOUR },
  },
  {
    title: 'unproven besides other faults, while the job is paused too',
    facts: facts({ provenUntil: NOW - HOUR, lastRun: run('failed'), pausedSince: 5 }),
    expected: { FAILING: NOW - HOUR, UNPROVEN: NOW - HOUR, PAUSED: 5 },
  },
  {
    title: 'an unusual run that nobody has acknowledged, however good the runs after it are',
    facts: facts({
      condition: { ...facts().condition, unusual: { at: NOW - 5 * HOUR, because: 'it is tiny' } },
    }),
    before: { OK: 1 },
    expected: { UNUSUAL: NOW - 5 * HOUR },
  },
  {
    title: 'an unusual run that was acknowledged',
    facts: facts(),
    before: { UNUSUAL: NOW - 5 * HOUR },
    expected: { OK: NOW },
  },
  {
    title: 'a partial run',
    facts: facts({ lastRun: run('partial'), condition: GOOD_BEFORE({ state: 'partial' }) }),
    expected: { PARTIAL: NOW - HOUR },
  },
  {
    title: 'a partial run whose backup is suspect is that only',
    facts: facts({ lastRun: run('partial'), condition: GOOD_BEFORE({ state: 'partial', suspect: 'empty' }) }),
    expected: { SUSPECT: NOW - HOUR },
  },
  {
    title: 'a run failed after a suspect backup',
    facts: facts({ lastRun: run('failed'), condition: GOOD_BEFORE({ state: 'partial', suspect: 'empty' }) }),
    expected: { FAILING: NOW - HOUR, SUSPECT: NOW - HOUR },
  },
  {
    title: 'a corrupt newest backup',
    facts: facts({ condition: GOOD_BEFORE({ corrupt: 'sha256 differs' }) }),
    expected: { CORRUPT: NOW },
  },
  {
    title: 'a new volume whose first backup is not due',
    facts: facts({ lastRun: null, condition: NOTHING, firstDue: NOW + HOUR }),
    expected: { UNKNOWN: NOW - 100 * HOUR },
  },
  {
    title: 'a new volume whose first planned time passed without a run',
    facts: facts({ lastRun: null, condition: NOTHING, firstDue: NOW - HOUR, due: NOW - HOUR }),
    expected: { NEVER: NOW - HOUR + GRACE, OVERDUE: NOW - HOUR + GRACE },
  },
  {
    title: 'a new volume whose first run failed',
    facts: facts({ lastRun: run('failed'), condition: NOTHING, firstDue: NOW - HOUR }),
    expected: { NEVER: NOW - HOUR + GRACE, FAILING: NOW - HOUR },
  },
  {
    title: 'an edited schedule does not end never',
    facts: facts({ lastRun: null, condition: NOTHING, firstDue: NOW + HOUR }),
    before: { NEVER: 7 },
    expected: { NEVER: 7 },
  },
  {
    title: 'a good backup ends never',
    facts: facts(),
    before: { NEVER: 7 },
    expected: { OK: NOW },
  },
  {
    title: 'a paused job is not overdue',
    facts: facts({ pausedSince: NOW - 4 * HOUR, due: NOW - 3 * HOUR }),
    expected: { PAUSED: NOW - 4 * HOUR },
  },
  {
    title: 'a paused job that failed before',
    facts: facts({ pausedSince: NOW - 1, lastRun: run('failed') }),
    expected: { FAILING: NOW - HOUR, PAUSED: NOW - 1 },
  },
  {
    title: 'a job that was paused before its first run is not yet without a backup',
    facts: facts({ pausedSince: NOW - 9 * HOUR, lastRun: null, condition: NOTHING, firstDue: NOW - HOUR }),
    expected: { PAUSED: NOW - 9 * HOUR },
  },
  {
    title: 'a schedule without a next time',
    facts: facts({ due: null }),
    expected: { UNKNOWN: NOW - 100 * HOUR },
  },
]

describe('the states of a job', () => {
  test.each(CASES)('$title', ({ facts, before = {}, expected }) => {
    expect(judgeJob(facts, before, NOW)).toEqual(expected)
  })
})

test('states are listed worst first', () => {
  const all = Object.fromEntries(VOLUME_STATES.toReversed().map((state) => [state, 1]))
  expect(listStates(all)).toEqual([...VOLUME_STATES])
})

test('a volume is as its worst job, since the first of them', () => {
  expect(joinStandings([{ OK: 1 }, { FAILING: 5 }, { FAILING: 3, PAUSED: 2 }])).toEqual({
    FAILING: 3,
    PAUSED: 2,
  })
  expect(joinStandings([{ OK: 1 }, { OK: 9 }])).toEqual({ OK: 9 })
})
