import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { makeRecoversFolder } from './pointer.ts'

/** Exclusive use of a volume among the processes of one data directory. Ends with the process at the latest. */
export interface VolumeClaim extends AsyncDisposable {
  readonly dataDir: string
  /** Real path. */
  readonly volume: string
}

/**
 * Claims a volume for a backup or a recover. The kernel releases the lock when its process ends, so the holder knows
 * that no other run works on the volume. Without kernel calls, only the engine's scheduling prevents that.
 * @param volume its real path
 * @throws CONFLICT if another run has claimed it
 */
export async function claimVolume(dataDir: string, volume: string): Promise<VolumeClaim> {
  const folder = await makeRecoversFolder(dataDir)
  const lock = await open(
    join(folder, `${createHash('sha256').update(volume).digest('hex').slice(0, 32)}.lock`),
    'a',
    0o600,
  )
  if (loadKernel()?.tryLock(lock.fd) === false) {
    await lock.close()
    throw new BackupdError(
      'CONFLICT',
      `Another run works on the volume "${volume}": wait for it or cancel it`,
    )
  }
  return { dataDir, volume, [Symbol.asyncDispose]: () => lock.close() }
}
