import { parentPort, workerData } from 'node:worker_threads'
import { type InventoryText, readInventory } from './read-inventory.ts'

/** A thread of its own for large files, which take seconds. `workerData` = InventoryText. */
parentPort?.postMessage(readInventory(workerData as InventoryText))
