import { emptyInventory } from '../../src/domain/inventory.ts'
import { type ListSizes, readListSizes } from '../../src/domain/list-sizes.ts'
import { makePlan } from '../../src/domain/make-plan.ts'
import type { Inventory } from '../../src/wire/inventory.ts'

/** The sizes of lists while this inventory is in force. */
export function sizesOf(inventory: Inventory): ListSizes {
  const plan = makePlan(inventory, '/volumes')
  return readListSizes({ inventory: { ...emptyInventory(), plan }, servers: plan.servers, tokens: new Map() })
}
