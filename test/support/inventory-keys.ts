import { INSTANCE_FIELDS, PROC_FIELDS } from '../../src/fleet/inventory-apps.ts'
import { INVENTORY_VOLUMES, SCHEDULE_FIELDS } from '../../src/fleet/inventory-volumes.ts'
import { VERIFY_FIELDS } from '../../src/fleet/verify-settings.ts'

/** Every key of an inventory file, besides names. */
export const INVENTORY_KEYS: readonly string[] = [
  ...new Set([
    'apps',
    ...PROC_FIELDS.known,
    ...INSTANCE_FIELDS.known,
    ...INVENTORY_VOLUMES.known,
    ...SCHEDULE_FIELDS.increment,
    ...VERIFY_FIELDS,
  ]),
]
