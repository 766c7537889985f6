import { expect, test } from 'vitest'
import { createInventoryMemory } from '../../src/controller/inventory-memory.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { given } from '../support/given.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-catalog.ts'

const hello = given.app('hello').proc('web').on('10.0.0.1', '10.0.0.2').volumes('/a', '/b')
const [giant] = bigInventory({ apps: 1, instances: 5, volumes: 1000, servers: 5 }).apps

test.for<[string, Inventory]>([
  ['nothing', { apps: [] }],
  [
    'apps',
    { apps: [...hello.proc('db').on('10.0.0.3').volume('/c').inventory().apps, { name: 'idle', procs: [] }] },
  ],
  ['a giant app', { apps: giant ? [giant] : [] }],
])('an inventory of %s is remembered as it is', async ([, { apps }]) => {
  const memory = createInventoryMemory(await tempFolder(), silentLog)
  await memory.save({ apps })
  expect(await memory.load()).toEqual({ apps })
})
