import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { InventorySource, InventoryWatch } from '../domain/ports.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { watchFile } from './file-watch.ts'
import { type KnownFile, readEdit } from './inventory-edit.ts'
import { type InventoryParts, ReceivedApps } from './inventory-parts.ts'
import { MAX_INLINE_LENGTH, readInProcess } from './inventory-process.ts'
import { type InventoryText, type ReadInventory, readInventory, readWithLayout } from './read-inventory.ts'
import { readText } from './read-text.ts'

export interface InventoryFileOptions {
  file: string
  /** The server of a plain lain.yaml, which names none. */
  localIp: string
  log: Log
  /** How long after a read that failed the file is read again; doubled after each further one. */
  retryMs?: number
}

const RETRY_MS = 60_000
const MAX_RETRY_MS = 60 * 60_000

/** Bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** The same limit for the lines of an edited app: higher, because a process takes long to start. */
const MAX_INLINE_APP_LENGTH = 32 * 1024

/** An inventory in a watched file. If an edit breaks it, that is reported and the last good inventory stays. */
export function createInventoryFile(options: InventoryFileOptions): InventorySource {
  return {
    async watch(onNews, { hasLastGood, stop }) {
      const watching = new InventoryFileWatch(options, onNews, stop)
      await watching.start(hasLastGood)
      return watching
    },
  }
}

class InventoryFileWatch implements InventoryWatch {
  readonly #path: string
  readonly #log: Log
  readonly #onNews: (news: InventoryNews) => void
  readonly #closing = new AbortController()
  readonly #ended: AbortSignal
  readonly #reader: InventoryReader
  readonly #retry: Retry
  /** Of the last news. */
  #state = ''
  #reading = Promise.resolve()
  #watching: Awaited<ReturnType<typeof watchFile>> | undefined

  constructor(
    { file, localIp, log, retryMs = RETRY_MS }: InventoryFileOptions,
    onNews: (news: InventoryNews) => void,
    stop: AbortSignal = this.#closing.signal,
  ) {
    this.#path = resolve(file)
    this.#log = log
    this.#onNews = onNews
    this.#ended = AbortSignal.any([this.#closing.signal, stop])
    this.#reader = new InventoryReader(this.#path, localIp, this.#ended)
    this.#retry = new Retry(() => this.#readAgain(), retryMs)
  }

  async start(hasLastGood: boolean): Promise<void> {
    const { news, state } = await this.#reader.read()
    if (this.#ended.aborted) return
    if (news.kind === 'broken' && !hasLastGood) throw new BackupdError('BAD_INPUT', news.problem)
    this.#state = state
    this.#onNews(news)
    this.#watching = await watchFile(this.#path, { onChange: () => this.#readAgain(), log: this.#log })
    await this.#readAgain()
  }

  async reread(): Promise<void> {
    await this.#watching?.renew()
    await this.#readAgain()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#retry.stop()
    await this.#watching?.close()
    await this.#reading
  }

  /** One reading at a time. */
  #readAgain(): Promise<void> {
    const read = () => this.#readNow()
    this.#reading = this.#reading.then(read, read)
    return this.#reading
  }

  async #readNow(): Promise<void> {
    if (this.#ended.aborted) return
    const { news, state, isRead } = await this.#reader.read()
    if (this.#ended.aborted) return
    this.#retry.plan(isRead)
    if (state === this.#state) return
    this.#state = state
    this.#onNews(news)
  }
}

/** Reads the file once, without watching it. */
export async function readInventoryFile(file: string, localIp: string): Promise<InventoryNews> {
  return (await new InventoryReader(file, localIp).read()).news
}

/** Reads again after a read that failed, such as for lack of memory: no edit says when that is over. */
class Retry {
  readonly #act: () => Promise<void>
  readonly #firstMs: number
  #failures = 0
  #waiting = new AbortController()

  constructor(act: () => Promise<void>, firstMs: number) {
    this.#act = act
    this.#firstMs = firstMs
  }

  plan(isRead: boolean): void {
    this.stop()
    this.#failures = isRead ? 0 : this.#failures + 1
    if (isRead) return
    const wait = Math.min(MAX_RETRY_MS, this.#firstMs * 2 ** (this.#failures - 1))
    const { signal } = this.#waiting
    void sleep(wait, signal).then((isOver) => (isOver ? this.#act() : undefined))
  }

  stop(): void {
    this.#waiting.abort()
    this.#waiting = new AbortController()
  }
}

interface FileState {
  news: InventoryNews
  /** Changes only if the content or the problem changes. */
  state: string
  /** false if the file could not be read to its end, whatever is in it. */
  isRead: boolean
}

/** Reads a file again and again. It knows what it read before, so that an edit of one app is read alone. */
class InventoryReader {
  readonly #path: string
  readonly #localIp: string
  readonly #signal: AbortSignal | undefined
  readonly #received = new ReceivedApps()
  #known: KnownFile | undefined

  /** @param signal ends a read that is under way */
  constructor(path: string, localIp: string, signal?: AbortSignal) {
    this.#path = path
    this.#localIp = localIp
    this.#signal = signal
  }

  async read(): Promise<FileState> {
    try {
      const text = await readText(this.#path, { what: 'inventory', maxBytes: MAX_FILE_BYTES })
      const state = createHash('sha256').update(text).digest('hex')
      const news = (await this.#readEdit(text)) ?? (await this.#readWhole(text))
      return { news, state, isRead: true }
    } catch (error) {
      this.#known = undefined
      const problem = messageOf(error)
      return { news: { kind: 'broken', problem }, state: problem, isRead: false }
    }
  }

  async #readEdit(text: string): Promise<InventoryNews | undefined> {
    const read = (app: InventoryText) => readAlone(app, this.#signal)
    const reading = { apps: this.#received.apps, read }
    const edited = this.#known && (await readEdit(this.#known, text, reading))
    // An app without procs is in the file, and not among the apps: its first procs have no place to go to.
    if (!edited || !(await this.#received.replace(edited.app))) return undefined
    this.#known = edited.known
    return { kind: 'inventory', inventory: { apps: this.#received.apps } }
  }

  async #readWhole(text: string): Promise<InventoryNews> {
    const inventory = { text, file: this.#path, localIp: this.#localIp }
    this.#known = undefined
    if (text.length <= MAX_INLINE_LENGTH) return readInventory(inventory)
    const parts = await this.#readInProcess(inventory)
    const news = await this.#received.join(parts)
    if (parts.kind === 'inventory' && parts.layout) this.#known = { text, layout: parts.layout }
    return news
  }

  async #readInProcess(text: InventoryText): Promise<InventoryParts> {
    try {
      return await readInProcess({ text, known: this.#received.hashes }, this.#signal)
    } catch (cause) {
      throw cannotRead(text, cause)
    }
  }
}

/** Reads the lines of one app: in another process if they are many. If that fails, the whole file is read. */
async function readAlone(app: InventoryText, signal?: AbortSignal): Promise<ReadInventory> {
  if (app.text.length <= MAX_INLINE_APP_LENGTH) return readWithLayout(app)
  try {
    const parts = await readInProcess({ text: app, known: [] }, signal)
    const layout = parts.kind === 'inventory' ? parts.layout : null
    return { news: await new ReceivedApps().join(parts), layout }
  } catch (error) {
    return { news: { kind: 'broken', problem: messageOf(error) }, layout: null }
  }
}

function cannotRead({ file }: InventoryText, cause: unknown): BackupdError {
  const message = `Cannot read the inventory ${file} to its end: ${messageOf(cause)}. Check the free memory and the limit of processes`
  return new BackupdError('BAD_INPUT', message, { cause })
}
