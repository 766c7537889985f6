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
const LARGEST_FILE = 16 * 1024 * 1024
/** Characters that are read within the event loop, at about a millisecond each thousand; more go to a thread. */
const READ_HERE = 16 * 1024

/** An inventory in a file that is watched. An edit that breaks it is told; the last good inventory stands. */
export function createInventoryFile({ file, localIp, log }: InventoryFileOptions): InventorySource {
  const path = resolve(file)
  return {
    async watch(onNews, { hasLastGood } = { hasLastGood: false }) {
      const first = await look(path, localIp)
      let last = first.state
      const lookAgain = async () => {
        const { news, state } = await look(path, localIp)
        if (state === last) return
        last = state
        onNews(news)
      }
      let looking = Promise.resolve()
      const onChange = () => {
        looking = looking.then(lookAgain, lookAgain)
        return looking
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

/** Once, without watching it. */
export async function readInventoryFile(file: string, localIp: string): Promise<InventoryNews> {
  return (await look(file, localIp)).news
}

interface Look {
  news: InventoryNews
  /** The same for the same content. */
  state: string
}

async function look(file: string, localIp: string): Promise<Look> {
  try {
    const text = await readText(file, LARGEST_FILE)
    const state = createHash('sha256').update(text).digest('hex')
    const read = text.length > READ_HERE ? readAside : readInventory
    return { news: await read({ text, file, localIp }), state }
  } catch (error) {
    const problem = messageOf(error)
    return { news: { kind: 'broken', problem }, state: problem }
  }
}

/** In a thread of its own, which ends by itself. */
async function readAside(workerData: InventoryText): Promise<InventoryNews> {
  const entry = new URL(`./inventory-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData, execArgv: [] })
  let news: InventoryNews | undefined
  worker.once('message', (told: InventoryNews) => {
    news = told
  })
  try {
    await once(worker, 'exit')
    if (!news) throw new Error('its thread ended without a word')
    return news
  } catch (cause) {
    throw new BackupdError(
      'BAD_INPUT',
      `The inventory ${workerData.file} could not be read to its end: ${messageOf(cause)}`,
      { cause },
    )
  }
}
