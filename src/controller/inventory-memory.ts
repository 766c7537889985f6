import { join } from 'node:path'
import type { InventoryMemory } from '../domain/ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { messageOf } from '../lib/errors.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Log } from '../lib/log.ts'
import type { Inventory } from '../wire/inventory.ts'

const FILE = 'inventory.json'

/** Deletes what a killed controller left of its writing. Only for the one that has the data directory. */
export function removeUnfinishedMemory(dataDir: string): void {
  removeUnfinishedWrites(join(dataDir, FILE))
}

/** Keeps the inventory last in force in `<data>/inventory.json`, which only this program reads and writes. */
export function createInventoryMemory(dataDir: string, log: Log): InventoryMemory {
  const file = join(dataDir, FILE)
  return {
    async load() {
      try {
        const text = await readFileIfThere(file)
        return text === undefined ? undefined : (JSON.parse(text) as Inventory)
      } catch (error) {
        log.warn(
          { file },
          `The remembered inventory cannot be read, so a sudden loss would not be noticed: ${messageOf(error)}`,
        )
        return undefined
      }
    },
    save: async (inventory) => writeFileAtomically(file, await doInSlices(printInventory(inventory))),
  }
}

/** The same text as JSON.stringify, app by app. */
function* printInventory({ apps }: Inventory): Interruptible<string> {
  const printed: string[] = []
  for (const app of apps) {
    printed.push(JSON.stringify(app))
    yield
  }
  return `{"apps":[${printed.join(',')}]}`
}
