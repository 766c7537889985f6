import { parentPort, workerData } from 'node:worker_threads'
import type { InventoryRequest } from './inventory-thread.ts'
import { readParts } from './read-parts.ts'

/** Runs in a separate thread, because large inventories take seconds. */
parentPort?.postMessage(readParts(workerData as InventoryRequest))
