import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { extname, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { InventorySource } from '../domain/ports.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { watchFile } from './file-watch.ts'
import { type InventoryParts, ReceivedApps } from './inventory-parts.ts'
import type { InventoryRequest } from './inventory-worker.ts'
import { type InventoryText, readInventory } from './read-inventory.ts'
import { readText } from './read-text.ts'

export interface InventoryFileOptions {
  file: string
  /** The server of a plain lain.yaml, which names none. */
  localIp: string
  log: Log
}

/** Bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024
/** Limit of characters parsed in the event loop, at about 1 ms per thousand; larger files go to a thread. */
const MAX_INLINE_LENGTH = 16 * 1024

/** An inventory in a watched file. If an edit breaks it, that is reported and the last good inventory stays. */
export function createInventoryFile({ file, localIp, log }: InventoryFileOptions): InventorySource {
  const path = resolve(file)
  return {
    async watch(onNews, { hasLastGood } = { hasLastGood: false }) {
      const received = new ReceivedApps()
      const first = await readState(path, localIp, received)
      let last = first.state
      const readAgain = async () => {
        const { news, state } = await readState(path, localIp, received)
        if (state === last) return
        last = state
        onNews(news)
      }
      let reading = Promise.resolve()
      const onChange = () => {
        reading = reading.then(readAgain, readAgain)
        return reading
      }
      if (first.news.kind === 'broken' && !hasLastGood)
        throw new BackupdError('BAD_INPUT', first.news.problem)
      onNews(first.news)
      const watching = await watchFile(path, { onChange, log })
      await onChange()
      return {
        async reread() {
          await watching.renew()
          await onChange()
        },
        close: () => watching.close(),
      }
    },
  }
}

/** Reads the file once, without watching it. */
export async function readInventoryFile(file: string, localIp: string): Promise<InventoryNews> {
  return (await readState(file, localIp, new ReceivedApps())).news
}

interface FileState {
  news: InventoryNews
  /** Changes only if the content or the problem changes. */
  state: string
}

async function readState(file: string, localIp: string, received: ReceivedApps): Promise<FileState> {
  try {
    const text = await readText(file, MAX_FILE_BYTES)
    const state = createHash('sha256').update(text).digest('hex')
    const isLong = text.length > MAX_INLINE_LENGTH
    const inventory = { text, file, localIp }
    return { news: isLong ? await readInThread(inventory, received) : readInventory(inventory), state }
  } catch (error) {
    const problem = messageOf(error)
    return { news: { kind: 'broken', problem }, state: problem }
  }
}

/** Parses in a separate thread, which ends on its own. */
async function readInThread(inventory: InventoryText, received: ReceivedApps): Promise<InventoryNews> {
  const entry = new URL(`./inventory-worker${extname(import.meta.url)}`, import.meta.url)
  const workerData: InventoryRequest = { ...inventory, known: received.hashes }
  const worker = new Worker(entry, { workerData, execArgv: [] })
  let parts: InventoryParts | undefined
  worker.once('message', (message: InventoryParts) => {
    parts = message
  })
  try {
    await once(worker, 'exit')
    if (!parts) throw new Error('its thread ended without a result')
    return await received.join(parts)
  } catch (cause) {
    throw new BackupdError(
      'BAD_INPUT',
      `Cannot read the inventory ${inventory.file} to its end: ${messageOf(cause)}`,
      { cause },
    )
  }
}
