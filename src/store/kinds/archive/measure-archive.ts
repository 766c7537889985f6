import { readIndex } from '../../../archive/index-format.ts'
import { textToBytes } from '../../../lib/byte-paths.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { Room } from '../../stored-backup.ts'
import type { StoredArchive } from './stored-archive.ts'

/** Measures the chosen files of an archive by its index; 0 if there is no index that can be trusted. */
export async function measureArchive(
  archive: StoredArchive,
  chosen: ChosenFiles,
  signal: AbortSignal,
): Promise<Room> {
  const room = { bytes: 0, entries: 0 }
  try {
    await using index = await archive.openIndex()
    for await (const line of index ? readIndex(index) : []) {
      signal.throwIfAborted()
      if (line.kind !== 'entry' || chosen.of(textToBytes(line.path)) === 'none') continue
      room.bytes += line.length
      room.entries++
    }
    return room
  } catch {
    signal.throwIfAborted()
    return { bytes: 0, entries: 0 }
  }
}
