import { rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../../lib/errors.ts'
import { openFolder } from '../../../volume/swap/folder.ts'
import { emptyFolder } from '../../../volume/swap/remove-tree.ts'
import { parsePlace } from '../../layout.ts'
import { withNamespaceFolder } from '../../namespace-folder.ts'
import type { StoreWorld } from '../../world.ts'

/** Frees the space of the own namespace's trash. May be aborted at any time; the next call continues. */
export async function emptyTrash(world: StoreWorld, signal: AbortSignal): Promise<void> {
  const { driver, identity, warn } = world
  for await (const entry of driver.names(identity.ip)) {
    if (signal.aborted) return
    if (parsePlace(entry).kind !== 'trash') continue
    try {
      await withNamespaceFolder(world, (namespace) => removeAll(join(namespace, entry.name), signal))
    } catch (error) {
      if (!signal.aborted) warn(`"${identity.ip}/${entry.name}" could not be removed: ${messageOf(error)}`)
    }
  }
}

async function removeAll(path: string, signal: AbortSignal): Promise<void> {
  {
    await using folder = await openFolder(path)
    await folder.chmod(0o700)
    await emptyFolder(folder, signal)
  }
  rmdirSync(path)
}
