import { expect, test } from 'vitest'
import { type ControllerFacts, judgeController } from '../../../src/domain/health/controller-rules.ts'
import { makePlan } from '../../../src/domain/make-plan.ts'
import { DISK_SOURCE } from '../../../src/lib/data-room.ts'

const plan = makePlan({ apps: [] }, '/')
const inventory = { plan, since: '2026-11-24T06:00:00.000Z', problem: null, held: null }

function judge(changes: Partial<ControllerFacts>) {
  return judgeController({ catalogProblem: null, inventory, problems: [], isFrozen: false, ...changes })
}

function problem(source: string, text: string) {
  return { source, key: 'x', text, since: '2026-11-24T06:00:00.000Z' }
}

test('a controller without a fault is well', () => {
  expect(judge({})).toEqual([{ state: 'OK', because: 'The controller works' }])
})

test('what is wrong with the controller is listed worst first', () => {
  const held = { plan, lostVolumes: 8, ofVolumes: 10, since: 0, until: Date.parse('2026-11-24T06:10:00Z') }
  const faulty = { ...plan, problems: ['two volumes collide', 'another one'] }
  const found = judge({
    catalogProblem: 'SQLITE_IOERR',
    inventory: { ...inventory, plan: faulty, problem: 'line 3: no list', held },
    problems: [problem('background', 'Cannot list'), problem(DISK_SOURCE, 'The disk is full')],
  })
  expect(found).toEqual([
    { state: 'CATALOG_BROKEN', because: 'SQLITE_IOERR' },
    { state: 'CATALOG_DISK', because: 'The disk is full' },
    { state: 'INVENTORY_BROKEN', because: 'The inventory: line 3: no list' },
    {
      state: 'INVENTORY_HELD',
      because: 'The new inventory loses 8 of 10 volumes: it is held until 2026-11-24T06:10:00.000Z',
    },
    { state: 'INVENTORY_INCOMPLETE', because: 'The inventory: two volumes collide (and 1 more)' },
    { state: 'DEGRADED', because: 'Cannot list' },
  ])
})

test('a clock in doubt is told once, with what it means', () => {
  expect(judge({ isFrozen: true, problems: [problem('clock', 'The clock says 3.')] })).toEqual([
    {
      state: 'CLOCK_OFF',
      because: 'The clock says 3. Until it is trusted again, no volume becomes OVERDUE or NEVER',
    },
  ])
})
