import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adoptPlan } from '../../../src/domain/health/adopt-plan.ts'
import { HealthBoard } from '../../../src/domain/health/board.ts'
import { JudgingClock } from '../../../src/domain/health/judging-clock.ts'
import { listStates, VOLUME_STATES, type VolumeState } from '../../../src/domain/health/states.ts'
import { makePlan } from '../../../src/domain/make-plan.ts'
import type { PlannedJob, PlannedVolume } from '../../../src/domain/plan.ts'
import { isoTime } from '../../../src/lib/clock.ts'
import { doAtOnce } from '../../../src/lib/in-slices.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { given } from '../../support/given.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'

const HOUR = 3_600_000
const GRACE = 600_000
const IP = '10.0.0.1'
const NO_OFFSET = { zone: 'UTC', isStopped: false, clockOffsetMs: 0, verifies: true }

type Kind = 'good' | 'partial' | 'suspect' | 'failed' | 'cancelled' | 'lost'
type Step =
  | { kind: 'pass'; minutes: number }
  | { kind: 'end'; how: Kind; lateMinutes: number }
  | { kind: 'sleep' }
  | { kind: 'wake' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.integer({ min: 1, max: 150 }).map((minutes) => ({ kind: 'pass' as const, minutes })),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      how: fc.constantFrom<Kind>('good', 'good', 'good', 'partial', 'suspect', 'failed', 'cancelled', 'lost'),
      lateMinutes: fc.constantFrom(0, 0, 0, 1, 90, 400),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'sleep' as const }, { kind: 'wake' as const }) },
)

/** What the rules say, computed from the whole history each time. */
class Model {
  countedFrom: number
  paused = false
  isNever = false
  readonly ends: { at: number; how: Kind }[] = []

  constructor(now: number) {
    this.countedFrom = now
  }

  states(now: number): VolumeState[] {
    const { ends } = this
    const good = ends.filter(({ how }) => how === 'good')
    const last = ends.reduce<{ at: number; how: Kind } | undefined>(
      (newest, end) => (newest && newest.at > end.at ? newest : end),
      undefined,
    )
    const newest = this.#newestBackup()
    const isPast = (sign: number) => !this.paused && now >= (Math.floor(sign / HOUR) + 1) * HOUR + GRACE
    this.isNever = good.length === 0 && (this.isNever || isPast(this.countedFrom))
    const held: Partial<Record<VolumeState, boolean>> = {
      NEVER: this.isNever,
      OVERDUE: isPast(Math.max(this.countedFrom, ...ends.map(({ at }) => at))),
      FAILING: last !== undefined && ['failed', 'cancelled', 'lost'].includes(last.how),
      SUSPECT: newest === 'suspect',
      PARTIAL: newest !== 'suspect' && (newest === 'partial' || last?.how === 'partial'),
      PAUSED: this.paused,
    }
    const found = VOLUME_STATES.filter((state) => held[state])
    return found.length > 0 ? found : [good.length > 0 ? 'OK' : 'UNKNOWN']
  }

  /** Of the run that was the newest one when it became known. */
  #newestBackup(): Kind | undefined {
    let [newest, at] = [undefined as Kind | undefined, 0]
    for (const end of this.ends) {
      if (end.at < at) continue
      at = end.at
      if (['good', 'partial', 'suspect'].includes(end.how)) newest = end.how
    }
    return newest
  }
}

const RECORD_STATES: Record<Kind, RunRecord['state']> = {
  good: 'success',
  partial: 'partial',
  suspect: 'partial',
  failed: 'failed',
  cancelled: 'cancelled',
  lost: 'lost',
}

function makeRecord(job: PlannedJob, { how, at, n }: { how: Kind; at: number; n: number }): RunRecord {
  const state = RECORD_STATES[how]
  const makes = ['good', 'partial', 'suspect'].includes(how)
  const suspect = how === 'suspect' ? 'the volume is empty' : null
  const backup = sampleBackup({ created: isoTime(at), state: state as 'success' | 'partial', suspect })
  const result = makes ? { backup } : null
  return sampleRecord({
    rid: ridOf(n),
    jobId: job.id,
    state,
    start: isoTime(at - 1),
    end: isoTime(at),
    result,
  })
}

function openBoard(clock: HandClock) {
  const inventory = given
    .app('hello')
    .proc('web')
    .on(IP)
    .volume('/data/db')
    .schedule({ spec: '@every 1h' })
    .inventory()
  const board = new HealthBoard({ clock: new JudgingClock(clock, undefined), minGraceMs: GRACE })
  const plan = makePlan(inventory, '/volumes')
  const [volume] = plan.volumes as [PlannedVolume]
  const [job] = volume.jobs as [PlannedJob]
  doAtOnce(adoptPlan(board, plan))
  for (const entry of [...board.toLoad])
    board.applyLoaded(entry, {
      row: undefined,
      lastRun: null,
      condition: { lastGoodAt: null, provenAt: null, newest: null, unusual: null },
    })
  return { board, job }
}

/** What update-health.ts does each second. */
function look(board: HealthBoard): void {
  for (const entry of board.takeDue()) board.judge(entry)
  for (const entry of [...board.toMeasure]) board.applyMeasured(entry, 0)
}

test('after any history of runs, pauses and time, the states are those that the rules give', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = handClock('2026-11-23T09:30:00Z')
      const { board, job } = openBoard(clock)
      const model = new Model(clock.now())
      for (const [n, one] of steps.entries()) {
        if (one.kind === 'pass')
          for (let left = one.minutes; left > 0; left--) {
            clock.move(60_000)
            look(board)
            model.states(clock.now())
          }
        else if (one.kind === 'end') {
          const at = clock.now() - one.lateMinutes * 60_000
          model.ends.push({ at, how: one.how })
          board.noteRun(makeRecord(job, { how: one.how, at, n }))
        } else {
          const isAsleep = one.kind === 'sleep'
          if (model.paused && !isAsleep) model.countedFrom = clock.now()
          model.paused = isAsleep
          board.noteServer(IP, NO_OFFSET, new Map([[job.id, isAsleep]]))
        }
        look(board)
        const states = model.states(clock.now())
        const entry = board.findJob(job.id)
        expect(listStates(entry?.standing ?? {})).toEqual(states)
        expect(VOLUME_STATES.map((state) => board.volumes.listIn(state).size)).toEqual(
          VOLUME_STATES.map((state) => Number(state === states[0])),
        )
      }
    }),
    { numRuns: 300 },
  )
})
