import { release } from '../../archive/gzip-member.ts'
import { type BlobLoader, blobKey, type Loaded } from './blob-loader.ts'

/** Content that is read together: this much of it, or this many pieces. */
const WINDOW_BYTES = 8 << 20
const WINDOW_PIECES = 1024
/** Windows being read or waiting, besides the one that is being written. */
const AHEAD = 2
/** Items that are walked over at once, and kept waiting at most: most of a tree may have no content at all. */
const ITEMS_AT_ONCE = 1024
const ITEMS_WAITING = 4096

/** Something to restore; `content` is what its pieces are, in order, empty for what has none. */
export interface Item {
  content: readonly Buffer[]
}

/** What is read together. */
class Window {
  readonly pieces: string[] = []
  private readonly ids = new Map<string, Buffer>()
  private bytes = 0
  loaded: Promise<Map<string, Loaded>> = Promise.resolve(new Map())

  get isFull(): boolean {
    return this.bytes >= WINDOW_BYTES || this.pieces.length >= WINDOW_PIECES
  }

  add(id: Buffer, size: number): void {
    const key = blobKey(id)
    this.pieces.push(key)
    if (this.ids.has(key)) return
    this.ids.set(key, id)
    this.bytes += size
  }

  start(loader: BlobLoader): void {
    this.loaded = loader.load(this.ids.values())
    // Whoever takes a piece hears of it.
    this.loaded.catch(() => {})
  }
}

export interface AheadOptions {
  loader: BlobLoader
  sizeOf(id: Buffer): number
}

/**
 * Hands out items in their order, and the pieces of their content in theirs, while what comes next is being read.
 * Take as many pieces of an item as it has before the next item; a piece is good until the next one is asked for.
 * Memory: three windows, whatever the size of a file.
 */
export class ContentAhead<T extends Item> {
  private readonly items: AsyncIterator<T[]>
  private readonly options: AheadOptions
  private queue: T[] = []
  private taken = 0
  private windows: Window[] = []
  private pieces = 0
  private ended = false
  /** What did not fit into the window before. */
  private rest: { content: readonly Buffer[]; at: number } | undefined
  /** Items that were walked over, of which the content is not yet in a window. */
  private waiting: T[] = []

  constructor(items: AsyncIterator<T[]>, options: AheadOptions) {
    this.items = items
    this.options = options
  }

  async nextItem(): Promise<T | undefined> {
    if (this.backlog === 0) this.dropTaken()
    await this.stayAhead()
    while (this.backlog === 0 && !this.ended) await this.gather()
    return this.backlog === 0 ? undefined : this.queue[this.taken++]
  }

  async nextPiece(): Promise<Loaded> {
    for (;;) {
      const window = this.windows[0]
      if (window && this.pieces < window.pieces.length) return await this.pieceOf(window)
      if (!window && this.ended) throw new Error('there are no more pieces')
      if (window) await this.leave(window)
      await this.stayAhead()
      while (this.windows.length === 0 && !this.ended) await this.gather()
    }
  }

  private async leave(window: Window): Promise<void> {
    this.windows.shift()
    this.pieces = 0
    for (const content of (await window.loaded).values()) if (Buffer.isBuffer(content)) release(content)
  }

  private get backlog(): number {
    return this.queue.length - this.taken
  }

  private dropTaken(): void {
    this.queue = []
    this.taken = 0
  }

  private async stayAhead(): Promise<void> {
    while (this.windows.length <= AHEAD && this.backlog < ITEMS_WAITING && !this.ended) await this.gather()
  }

  private async pieceOf(window: Window): Promise<Loaded> {
    const key = window.pieces[this.pieces++] ?? ''
    const piece = (await window.loaded).get(key)
    if (!piece) throw new Error('a piece was not read')
    return piece
  }

  private async gather(): Promise<void> {
    const window = new Window()
    const most = this.queue.length + ITEMS_AT_ONCE
    while (!window.isFull && !this.ended && this.queue.length < most) {
      if (this.rest) this.fill(window, this.rest)
      else await this.nextContent()
    }
    if (window.pieces.length === 0) return
    window.start(this.options.loader)
    this.windows.push(window)
  }

  private fill(window: Window, rest: { content: readonly Buffer[]; at: number }): void {
    while (rest.at < rest.content.length && !window.isFull) {
      const id = rest.content[rest.at++] as Buffer
      window.add(id, this.options.sizeOf(id))
    }
    if (rest.at === rest.content.length) this.rest = undefined
  }

  private async nextContent(): Promise<void> {
    if (this.waiting.length === 0) {
      const next = await this.items.next()
      if (next.done) this.ended = true
      else this.waiting = next.value.toReversed()
    }
    const item = this.waiting.pop()
    if (!item) return
    this.queue.push(item)
    if (item.content.length > 0) this.rest = { content: item.content, at: 0 }
  }
}
