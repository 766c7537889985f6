import { describeReason } from '../tree/describe-reason.ts'
import type { FileSource, TreeItem } from '../tree/entry.ts'
import type { ContentSource } from '../tree/write-content.ts'

export interface ContentEvents {
  /** After each piece. */
  onBytes(bytes: number): void
  /** Called with what differs from the source, as the end of a sentence. */
  onFault(message: string): void
}

export interface ItemContent extends ContentSource {
  close(): Promise<void>
}

const PIECE_BYTES = 1 << 20

/**
 * Opens the content of a file, without holes, and updates its entry. Undefined, after a fault, if it cannot be opened.
 */
export async function openContent(item: TreeItem, on: ContentEvents): Promise<ItemContent | undefined> {
  if (item.data) return createContent(readMemory(item, item.data), on, async () => {})
  try {
    const source = await item.open?.()
    if (source) return createContent(readSource(item, source, on), on, () => source.close())
  } catch (error) {
    on.onFault(`cannot be read: ${describeReason(error)}`)
  }
  return undefined
}

function createContent(
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

async function* readMemory({ entry }: TreeItem, data: Buffer): AsyncGenerator<Buffer> {
  for (const { offset, length } of listExtents(entry))
    if (length > 0) yield data.subarray(offset, offset + length)
}

/** If the file ends early, the rest is zeros, so that holes keep their positions. */
async function* readSource(
  { entry }: TreeItem,
  source: FileSource,
  { onFault }: ContentEvents,
): AsyncGenerator<Buffer> {
  const room = Buffer.allocUnsafe(PIECE_BYTES)
  let broken = false
  for (const { offset, length } of listExtents(entry)) {
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

/** 0, after a fault, if nothing more can be read. */
async function read(
  source: FileSource,
  into: Buffer,
  { at, onFault }: { at: number; onFault: ContentEvents['onFault'] },
): Promise<number> {
  try {
    const count = await source.read(into, at)
    if (count === 0) onFault('shrank while it was read: the rest of it is zeros')
    return count
  } catch (error) {
    onFault(`cannot be read to its end: ${describeReason(error)}; the rest of it is zeros`)
    return 0
  }
}

function listExtents({ extents, size }: TreeItem['entry']) {
  return extents ?? [{ offset: 0, length: size }]
}
