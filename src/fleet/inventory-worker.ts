import { parentPort, workerData } from 'node:worker_threads'
import { type InventoryText, readInventory } from './read-inventory.ts'

/** Runs in a separate thread, because large files take seconds. `workerData` = InventoryText. */
parentPort?.postMessage(readInventory(workerData as InventoryText))
