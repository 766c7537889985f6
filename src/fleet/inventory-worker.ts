import { parentPort, workerData } from 'node:worker_threads'
import { splitInventory } from './inventory-parts.ts'
import { type InventoryText, readWithLayout } from './read-inventory.ts'

export interface InventoryRequest extends InventoryText {
  /** Hashes of the apps that need not be sent again. */
  known: string[]
}

/** Runs in a separate thread, because large files take seconds. */
const { known, ...text } = workerData as InventoryRequest
parentPort?.postMessage(splitInventory(readWithLayout(text), new Set(known)))
