import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { extname, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { InventorySource } from '../domain/ports.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { watchFile } from './file-watch.ts'
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
      const first = await readState(path, localIp)
      let last = first.state
      const readAgain = async () => {
        const { news, state } = await readState(path, localIp)
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
  return (await readState(file, localIp)).news
}

interface FileState {
  news: InventoryNews
  /** Changes only if the content or the problem changes. */
  state: string
}

async function readState(file: string, localIp: string): Promise<FileState> {
  try {
    const text = await readText(file, MAX_FILE_BYTES)
    const state = createHash('sha256').update(text).digest('hex')
    const read = text.length > MAX_INLINE_LENGTH ? readInThread : readInventory
    return { news: await read({ text, file, localIp }), state }
  } catch (error) {
    const problem = messageOf(error)
    return { news: { kind: 'broken', problem }, state: problem }
  }
}

/** Parses in a separate thread, which ends on its own. */
async function readInThread(workerData: InventoryText): Promise<InventoryNews> {
  const entry = new URL(`./inventory-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData, execArgv: [] })
  let news: InventoryNews | undefined
  worker.once('message', (message: InventoryNews) => {
    news = message
  })
  try {
    await once(worker, 'exit')
    if (!news) throw new Error('its thread ended without a result')
    return news
  } catch (cause) {
    throw new BackupdError(
      'BAD_INPUT',
      `Cannot read the inventory ${workerData.file} to its end: ${messageOf(cause)}`,
      { cause },
    )
  }
}
