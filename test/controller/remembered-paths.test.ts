import { expect, test } from 'vitest'
import { createInventoryMemory } from '../../src/controller/inventory-memory.ts'
import { readRememberedPaths } from '../../src/controller/remembered-paths.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempDir } from '../support/temp-dir.ts'

test('the paths of the inventory last in force are known before it is read again', async () => {
  const dir = tempDir()
  const options = { volumeRoot: '/srv/volumes', log: silentLog }
  expect(await readRememberedPaths(dir, options)).toEqual([])
  const inventory = bigInventory({ servers: 1, apps: 2, instances: 1, volumes: 2 })
  await createInventoryMemory(dir, silentLog).save(inventory)
  const paths = await readRememberedPaths(dir, options)
  expect(paths.length).toBeGreaterThan(0)
  expect(paths.every((path) => path.startsWith('/'))).toBe(true)
})
