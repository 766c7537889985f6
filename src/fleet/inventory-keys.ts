import { INSTANCE_KEYS, PROC_KEYS } from './inventory-apps.ts'
import { INVENTORY_VOLUMES, SCHEDULE_KEYS } from './inventory-volumes.ts'

/** Every key of an inventory file, besides names. docs/inventory.md explains each. */
export const INVENTORY_KEYS: readonly string[] = [
  ...new Set(['apps', ...PROC_KEYS, ...INSTANCE_KEYS, ...INVENTORY_VOLUMES.known, ...SCHEDULE_KEYS]),
]
