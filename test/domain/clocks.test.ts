import { expect, test } from 'vitest'
import { clockWitness } from '../../src/domain/clocks.ts'
import { newServer } from '../../src/domain/server-state.ts'
import type { World } from '../../src/domain/world.ts'
import { machineClocks } from '../support/machine-clocks.ts'

const DAY = 24 * 3_600_000

test('a clock in doubt is not sent to daemons', () => {
  const machine = machineClocks()
  const trustedClock = machine.start()
  const world = { trustedClock } as unknown as World
  const debug = { capabilities: ['clock'] } as ReturnType<typeof newServer>['debug']
  const server = { ...newServer('10.0.0.1'), debug }
  expect(clockWitness(world, server)).toEqual({ nowMs: machine.clock.now(), bootId: trustedClock.bootId })
  machine.jump(60 * DAY)
  machine.run(trustedClock, 60_000)
  expect(clockWitness(world, server)).toBeUndefined()
  machine.jump(-60 * DAY)
  machine.run(trustedClock, 60_000)
  expect(clockWitness(world, server)).toBeDefined()
})
