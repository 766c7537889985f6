import { expect, test } from 'vitest'
import { forgetHistory } from '../../src/domain/forget-history.ts'
import type { World } from '../../src/domain/world.ts'
import { given } from '../support/given.ts'

/** A world whose records are deleted in three slices; `after` is called with the number of each one. */
async function sliced(after: (slice: number, world: World) => void) {
  let slices = 0
  let world: World | undefined
  const kit = await given
    .app('hello')
    .proc('web')
    .on('10.0.0.1')
    .volume('/data/db')
    .inMemory({
      wrapRecords: (records) => ({
        ...records,
        async forget() {
          slices += 1
          if (world) after(slices, world)
          return { deleted: 1, next: slices < 3 ? `${slices}` : null, events: 0 }
        },
      }),
    })
  world = kit.world
  return { world: kit.world, slices: () => slices }
}

test('old records are deleted slice by slice to the end', async () => {
  const { world, slices } = await sliced(() => {})
  await forgetHistory(world)
  expect(slices()).toBe(3)
})

test('a controller that closes deletes no further slice', async () => {
  const { world, slices } = await sliced((_slice, { history }) => {
    history.closing = true
  })
  await forgetHistory(world)
  expect(slices()).toBe(1)
})
