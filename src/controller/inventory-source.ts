import type { SettingsSource } from '../domain/notify-ports.ts'
import type { InventorySource } from '../domain/ports.ts'
import { createInventoryFile, readInventoryFile } from '../fleet/inventory-file.ts'
import { createLainlet } from '../fleet/lainlet.ts'
import { createSettingsFile, readSettingsFile } from '../fleet/settings-file.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import type { SettingsNews } from '../wire/settings.ts'

export interface InventoryChoice {
  from: { file: string } | { lainlet: string }
  /** The server for a plain lain.yaml, which names none. */
  localIp: string
  clock: Clock
  log: Log
}

/** Creates the inventory source chosen on the command line. */
export function createInventorySource({ from, localIp, clock, log }: InventoryChoice): InventorySource {
  return 'file' in from
    ? createInventoryFile({ file: from.file, localIp, log })
    : createLainlet({ address: from.lainlet, clock, log })
}

/** Reads a file as the controller would, for `backupd check`. */
export function checkInventoryFile(file: string, localIp: string): Promise<InventoryNews> {
  return readInventoryFile(file, localIp)
}

/** Creates the source of the settings; undefined without a file. */
export function createSettingsSource(file: string | undefined, log: Log): SettingsSource | undefined {
  return file === undefined ? undefined : createSettingsFile({ file, log })
}

/** Reads settings as the controller would, for `backupd check`. */
export function checkSettingsFile(file: string): Promise<SettingsNews> {
  return readSettingsFile(file)
}
