import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ResolvedVolume } from '../../../lib/allowed-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { RecoverSource } from './recover-source.ts'

/**
 * What is unpacked lies beside what is there until the swap, so all of it must fit as well. Where its size is not
 * known, the rest shows while it is unpacked.
 * @throws NO_ROOM with both numbers, in bytes or in files
 */
export async function checkRoom({ needs }: RecoverSource, volume: ResolvedVolume): Promise<void> {
  const room = await statfs(volume.exists ? volume.path : dirname(volume.path))
  refuseLess('bytes', { needed: needs.bytes, free: room.bavail * room.bsize })
  // Some file systems make inodes as they go and count none.
  if (room.files > 0) refuseLess('files', { needed: needs.entries, free: room.ffree })
}

function refuseLess(unit: string, { needed, free }: { needed: number; free: number }): void {
  if (needed <= free) return
  throw new BackupdError('NO_ROOM', `it needs ${needed} ${unit} beside what is there, and ${free} are free`, {
    facts: { needed, free, unit },
  })
}
