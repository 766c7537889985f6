import type { TreeItem, TreeWarning } from '../tree/entry.ts'
import { canEnter, type SortedFolder, type SortedWalk, sortedWalk } from '../tree/sorted-walk.ts'
import { openMirror } from './copy-mirror.ts'
import { openContent } from './item-content.ts'

export interface MirrorReadInput {
  /** The folder to read: a trusted path, but with untrusted content. */
  mirror: string
  signal: AbortSignal
  /** Bytes of file content so far. Called often: keep it cheap. */
  onProgress(bytes: number): void
  /** Called with what cannot be read. */
  onFault(fault: Pick<TreeWarning, 'path' | 'message'>): void
}

/**
 * Reads every file of a mirror, as copyMirror() would, and writes nothing. Resolves with the number of bytes. Throws
 * STORE_UNAVAILABLE if the folder itself cannot be read, or the signal's reason once aborted.
 */
export async function readMirror(input: MirrorReadInput): Promise<number> {
  using volume = await openMirror(input.mirror)
  const { signal, onFault } = input
  const onWarning = (warning: TreeWarning) => {
    if (warning.severity === 'fault') onFault(warning)
  }
  const walk = sortedWalk(volume, { signal, onWarning, isKnown: () => false })
  const reading: Reading = { input, walk, bytes: 0 }
  const root = await walk.openRoot()
  if (root) await readFolder(reading, root)
  return reading.bytes
}

interface Reading {
  input: MirrorReadInput
  walk: SortedWalk
  bytes: number
}

async function readFolder(reading: Reading, folder: SortedFolder): Promise<void> {
  try {
    for (let batch = await folder.next(); batch.length > 0; batch = await folder.next()) {
      for (const seen of batch) {
        if (seen.item.entry.type === 'file') await readContent(reading, seen.item)
        const inner = canEnter(seen) ? await reading.walk.open(seen) : undefined
        if (inner) await readFolder(reading, inner)
      }
    }
  } finally {
    folder.close()
  }
}

async function readContent(reading: Reading, item: TreeItem): Promise<void> {
  const { signal, onProgress, onFault } = reading.input
  const content = await openContent(item, {
    onBytes(bytes) {
      signal.throwIfAborted()
      reading.bytes += bytes
      onProgress(reading.bytes)
    },
    onFault: (message) => onFault({ path: item.entry.path, message }),
  })
  if (!content) return
  try {
    while ((await content.next()) !== null);
  } finally {
    await content.close()
  }
}
