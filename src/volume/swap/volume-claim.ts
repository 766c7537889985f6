import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { makeRecoversFolder } from './pointer.ts'

/** The right to be the only one of this data directory at a volume. Ends with the process at the latest. */
export interface VolumeClaim extends AsyncDisposable {
  readonly dataDir: string
  /** Real path. */
  readonly volume: string
}

/**
 * Takes a volume for a backup or a recover. The kernel drops the lock of a process that ends, so whoever gets it
 * knows that no one else is at work there. Where the kernel cannot be asked, the engine's own order has to do.
 * @param volume its real path
 * @throws CONFLICT where another run has it
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
