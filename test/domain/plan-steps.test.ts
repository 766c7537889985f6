import { expect, test } from 'vitest'
import { readPlanSteps } from '../../src/domain/plan-steps.ts'
import type { World } from '../../src/domain/world.ts'
import type { StepPage } from '../../src/wire/planned-step.ts'

const RUN = { rid: 'r1', server: '10.0.0.1' }

function worldOf(answer: (after: string | null) => StepPage): World {
  const ask = async (_ip: string, _question: string, { after }: { after: string | null }) => answer(after)
  return { servers: new Map(), ports: { daemon: { ask } } } as unknown as World
}

const step = (n: number) => ({ kind: 'create' as const, path: `p${n}`, bytes: 1, place: `create.${n}` })

test('a daemon that answers more steps than were asked for gets no more of them through', async () => {
  const world = worldOf(() => ({ steps: Array.from({ length: 5000 }, (_, n) => step(n)), next: null }))
  const { items, hasNextPage } = await readPlanSteps(world, RUN, { kind: null, first: 10 })
  expect([items.length, hasNextPage]).toEqual([10, true])
})

test('pages of damaged steps alone are passed over, and a list that never ends is refused', async () => {
  const later = worldOf((after) =>
    after === null ? { steps: [], next: 'create.9' } : { steps: [step(9)], next: null },
  )
  const { items } = await readPlanSteps(later, RUN, { kind: null, first: 10 })
  expect(items.map(({ node }) => node.path)).toEqual(['p9'])
  const endless = worldOf(() => ({ steps: [], next: 'create.9' }))
  await expect(readPlanSteps(endless, RUN, { kind: null, first: 10 })).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
  })
})
