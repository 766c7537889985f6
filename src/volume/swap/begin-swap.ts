import { lstatSync } from 'node:fs'
import { BackupdError } from '../../lib/errors.ts'
import type { TreeEntry } from '../tree/entry.ts'
import { type Folder, statEntry, streamNames } from './folder.ts'
import { type Child, type JournalHeader, writeJournal } from './journal.ts'
import { listMountsBelow } from './mount-table.ts'
import { type KeepTime, type Pointer, savePointer } from './pointer.ts'
import { type RootMetadata, readRoot, toRootMetadata, unprotectedRoot } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isStagingName } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/** Syncs everything that was unpacked, then writes the journal and the pointer to it. Nothing is moved yet. */
export async function beginSwap(
  staging: Staging,
  folders: SwapFolders,
  unpacked: Unpacked,
): Promise<JournalHeader> {
  const { dataDir, pointer, volume } = staging
  checkStaging(staging, folders)
  await refuseMounts(volume.currentPath())
  await syncFilesystem(folders.volume)
  const header = createHeader(staging, folders, unpacked)
  await writeJournal(folders.staging, header, listChildren(folders))
  await savePointer(dataDir, toSwapPointer(pointer, unpacked.keep))
  return header
}

/** The pointer of a swap that has begun. An older version would remove what is to be kept. */
export function toSwapPointer(pointer: Pointer, keep: KeepTime | undefined): Pointer {
  return { ...pointer, phase: 'swap', ...(keep && { format: 2, keep }) }
}

export interface Unpacked {
  /** The new metadata of the volume itself; null = it keeps its metadata. */
  root: TreeEntry | null
  /** How many entries could not be unpacked exactly. */
  unpackFaults?: number
  /** The same metadata from a journal, for an undo. */
  keptRoot?: RootMetadata
  /** If set, the old content is kept. */
  keep?: KeepTime | undefined
}

/** @throws CONFLICT if the staging folder, or the folder with the unpacked content, was replaced by another one */
export function checkStaging({ identity, target, pointer }: Staging, { staging, fresh }: SwapFolders): void {
  const unpacked = lstatSync(target, { bigint: true })
  if (staging.identity.inode === identity.inode && fresh.identity.inode === unpacked.ino) return
  throw new BackupdError(
    'CONFLICT',
    `The staging folder "${pointer.staging}" was replaced while the backup was unpacked. Nothing was changed; recover again`,
  )
}

export function createHeader(
  { pointer }: Staging,
  { volume }: SwapFolders,
  { root, unpackFaults = 0, keptRoot }: Unpacked,
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
    after: keptRoot ?? (root ? toRootMetadata(root) : unprotectedRoot(before)),
  }
}

/** A mount would be moved away together with its mount point. @throws CONFLICT if there is one */
export async function refuseMounts(volume: string): Promise<void> {
  const mounts = await listMountsBelow(volume)
  if (mounts.length === 0) return
  const some = mounts.slice(0, 5).join(', ')
  throw new BackupdError('CONFLICT', `Something is mounted inside "${volume}" (${some}): unmount it first`, {
    facts: { mounts },
  })
}

async function* listChildren({ volume, fresh }: SwapFolders): AsyncGenerator<Child> {
  for await (const child of childrenIn(volume, 'old')) if (!isStagingName(child.name)) yield child
  yield* childrenIn(fresh, 'new')
}

async function* childrenIn(folder: Folder, side: Child['side']): AsyncGenerator<Child> {
  for await (const name of streamNames(folder)) {
    const stats = statEntry(folder, name)
    if (stats) yield { side, name, device: stats.dev, inode: stats.ino }
  }
}
