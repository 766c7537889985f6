import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { InventoryParts } from './inventory-parts.ts'
import type { InventoryText } from './read-inventory.ts'

export interface InventoryRequest {
  /** A file, or a document of lainlet. */
  text: InventoryText | { document: string }
  /** Hashes of the apps that need not be sent again. */
  known: string[]
}

/** Longer texts are parsed in a thread, characters: YAML takes about 1 ms per thousand. */
export const MAX_INLINE_LENGTH = 16 * 1024

/** Parses in a separate thread. Rejects if the thread ends without a result, as it does soon after `signal` aborts. */
export async function readInThread(request: InventoryRequest, signal?: AbortSignal): Promise<InventoryParts> {
  const entry = new URL(`./inventory-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData: request, execArgv: [] })
  const end = () => void worker.terminate()
  signal?.addEventListener('abort', end)
  let parts: InventoryParts | undefined
  worker.once('message', (message: InventoryParts) => {
    parts = message
  })
  try {
    await once(worker, 'exit')
  } finally {
    signal?.removeEventListener('abort', end)
  }
  if (parts) return parts
  throw new Error('its thread ended without a result')
}
