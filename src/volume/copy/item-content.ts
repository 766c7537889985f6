import type { FileSource, TreeItem } from '../tree/entry.ts'
import { reasonOf } from '../tree/reason.ts'
import type { ContentSource } from '../tree/write-content.ts'

export interface ContentEvents {
  /** After each piece. */
  onBytes(bytes: number): void
  /** What is not as it was, as the end of a sentence. */
  onFault(message: string): void
}

export interface ItemContent extends ContentSource {
  close(): Promise<void>
}

const PIECE = 1 << 20

/**
 * The content of a file, without its holes; its entry is brought up to date. Undefined, after a fault, where it
 * cannot be opened.
 */
export async function openContent(item: TreeItem, on: ContentEvents): Promise<ItemContent | undefined> {
  if (item.data) return piecesOf(piecesInMemory(item, item.data), on, async () => {})
  try {
    const source = await item.open?.()
    if (source) return piecesOf(piecesOfSource(item, source, on), on, () => source.close())
  } catch (error) {
    on.onFault(`cannot be read: ${reasonOf(error)}`)
  }
  return undefined
}

function piecesOf(
  pieces: AsyncGenerator<Buffer>,
  on: ContentEvents,
  close: () => Promise<void>,
): ItemContent {
  return {
    async next() {
      const { value, done } = await pieces.next()
      if (done) return null
      on.onBytes(value.length)
      return value
    },
    close,
  }
}

async function* piecesInMemory({ entry }: TreeItem, data: Buffer): AsyncGenerator<Buffer> {
  for (const { offset, length } of extentsOf(entry))
    if (length > 0) yield data.subarray(offset, offset + length)
}

/** Of one that ends early zeros stand for the rest, so that holes stay where they are. */
async function* piecesOfSource(
  { entry }: TreeItem,
  source: FileSource,
  { onFault }: ContentEvents,
): AsyncGenerator<Buffer> {
  const room = Buffer.allocUnsafe(PIECE)
  let broken = false
  for (const { offset, length } of extentsOf(entry)) {
    for (let at = offset; at < offset + length; ) {
      const wanted = Math.min(room.length, offset + length - at)
      const piece = room.subarray(0, wanted)
      const count: number = broken ? 0 : await read(source, piece, { at, onFault })
      broken ||= count === 0
      yield broken ? piece.fill(0) : piece.subarray(0, count)
      at += broken ? wanted : count
    }
  }
  if (!broken && (await source.changed())) onFault('changed while it was read')
}

/** 0, after a fault, where nothing more can be read. */
async function read(
  source: FileSource,
  into: Buffer,
  { at, onFault }: { at: number; onFault: ContentEvents['onFault'] },
): Promise<number> {
  try {
    const count = await source.read(into, 0, into.length, at)
    if (count === 0) onFault('shrank while it was read: the rest of it is zeros')
    return count
  } catch (error) {
    onFault(`cannot be read to its end: ${reasonOf(error)}; the rest of it is zeros`)
    return 0
  }
}

function extentsOf({ extents, size }: TreeItem['entry']) {
  return extents ?? [{ offset: 0, length: size }]
}
