import { lstatSync } from 'node:fs'
import { BackupdError } from '../../lib/errors.ts'
import type { TreeEntry } from '../tree/entry.ts'
import { type Folder, lookUp, namesIn } from './folder.ts'
import { type Child, type JournalHeader, writeJournal } from './journal.ts'
import { mountsBelow } from './mount-table.ts'
import { savePointer } from './pointer.ts'
import { readRoot, rootOfEntry, unprotectedRoot } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isStagingName } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/**
 * On disk when it resolves: all that was unpacked, the journal, the pointer to it. Nothing was moved yet.
 */
export async function beginSwap(
  staging: Staging,
  folders: SwapFolders,
  unpacked: Unpacked,
): Promise<JournalHeader> {
  const { dataDir, pointer, volume } = staging
  checkStaging(staging, folders)
  await refuseMounts(volume.currentPath())
  await syncFilesystem(folders.volume)
  const header = headerOf(staging, folders, unpacked)
  await writeJournal(folders.staging, header, bothSides(folders))
  await savePointer(dataDir, { ...pointer, phase: 'swap' })
  return header
}

export interface Unpacked {
  /** The volume's own metadata to come; null = it keeps what it has. */
  root: TreeEntry | null
  /** How much could not be unpacked exactly. */
  unpackFaults?: number
}

/** @throws CONFLICT if the staging folder, or the folder that was unpacked into, is another one by now */
export function checkStaging({ identity, target, pointer }: Staging, { staging, fresh }: SwapFolders): void {
  const unpacked = lstatSync(target, { bigint: true })
  if (staging.identity.inode === identity.inode && fresh.identity.inode === unpacked.ino) return
  throw new BackupdError(
    'CONFLICT',
    `The staging folder "${pointer.staging}" was replaced while the backup was unpacked. Nothing was changed: recover once more`,
  )
}

export function headerOf(
  { pointer }: Staging,
  { volume }: SwapFolders,
  { root, unpackFaults = 0 }: Unpacked,
): JournalHeader {
  const found = readRoot(volume)
  const flags = (found.flags ?? 0) | (pointer.protection ?? 0)
  const before = { ...found, flags, mtimeNs: pointer.mtimeNs ?? found.mtimeNs }
  return {
    format: 1,
    rid: pointer.rid,
    volume: pointer.volume,
    nonce: pointer.nonce,
    device: String(volume.identity.device),
    inode: String(volume.identity.inode),
    before,
    unpackFaults,
    after: root ? rootOfEntry(root) : unprotectedRoot(before),
  }
}

/** A mount would go with the name it is on. @throws CONFLICT */
export async function refuseMounts(volume: string): Promise<void> {
  const mounts = await mountsBelow(volume)
  if (mounts.length === 0) return
  const some = mounts.slice(0, 5).join(', ')
  throw new BackupdError('CONFLICT', `Something is mounted inside "${volume}" (${some}): unmount it first`, {
    facts: { mounts },
  })
}

async function* bothSides({ volume, fresh }: SwapFolders): AsyncGenerator<Child> {
  for await (const child of childrenIn(volume, 'old')) if (!isStagingName(child.name)) yield child
  yield* childrenIn(fresh, 'new')
}

async function* childrenIn(folder: Folder, side: Child['side']): AsyncGenerator<Child> {
  for await (const name of namesIn(folder)) {
    const stats = lookUp(folder, name)
    if (stats) yield { side, name, device: stats.dev, inode: stats.ino }
  }
}
