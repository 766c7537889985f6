import type { InventorySource } from '../domain/ports.ts'
import { createInventoryFile, readInventoryFile } from '../fleet/inventory-file.ts'
import { createLainlet } from '../fleet/lainlet.ts'
import type { Log } from '../lib/log.ts'
import type { InventoryNews } from '../wire/inventory.ts'

export interface InventoryChoice {
  from: { file: string } | { lainlet: string }
  /** The server of a plain lain.yaml, which names none. */
  localIp: string
  log: Log
}

/** The inventory that a command line chose. */
export function inventoryOf({ from, localIp, log }: InventoryChoice): InventorySource {
  return 'file' in from
    ? createInventoryFile({ file: from.file, localIp, log })
    : createLainlet({ address: from.lainlet, log })
}

/** What the controller would make of a file. */
export function checkInventoryFile(file: string, localIp: string): Promise<InventoryNews> {
  return readInventoryFile(file, localIp)
}
