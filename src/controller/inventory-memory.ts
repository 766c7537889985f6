import { join } from 'node:path'
import type { InventoryMemory } from '../domain/ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { messageOf } from '../lib/errors.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Log } from '../lib/log.ts'
import type {
  Inventory,
  InventoryApp,
  InventoryInstance,
  InventoryProc,
  InventoryVolume,
} from '../wire/inventory.ts'

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

/** The same as JSON.stringify, volume by volume, because an app may have most volumes of all. */
function* printInventory({ apps }: Inventory): Interruptible<string> {
  return `{"apps":${yield* printList(apps, printApp)}}`
}

function* printApp({ procs, ...app }: InventoryApp): Interruptible<string> {
  return printWith(app, 'procs', yield* printList(procs, printProc))
}

function* printProc({ instances, ...proc }: InventoryProc): Interruptible<string> {
  return printWith(proc, 'instances', yield* printList(instances, printInstance))
}

function* printInstance({ volumes, ...instance }: InventoryInstance): Interruptible<string> {
  return printWith(instance, 'volumes', yield* printList(volumes, printVolume))
}

function* printVolume(volume: InventoryVolume): Interruptible<string> {
  yield
  return JSON.stringify(volume)
}

function* printList<T>(
  items: readonly T[],
  print: (item: T) => Interruptible<string>,
): Interruptible<string> {
  const printed: string[] = []
  for (const item of items) printed.push(yield* print(item))
  return `[${printed.join(',')}]`
}

/** The object with one more key. @param list JSON */
function printWith(object: { name: string } | { no: number }, key: string, list: string): string {
  return `${JSON.stringify(object).slice(0, -1)},"${key}":${list}}`
}
