import { closeSync, fsyncSync, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../lib/atomic-file.ts'
import { textToBytes } from '../lib/byte-paths.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { openFolder as openSwapFolder } from '../volume/swap/folder.ts'
import { emptyFolder } from '../volume/swap/remove-tree.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder } from '../volume/tree/write-folder.ts'
import { splitLast } from '../volume/tree/write-paths.ts'
import { placeOf, trashName } from './layout.ts'
import type { Mirror } from './store.ts'
import type { StoreWorld } from './world.ts'

/**
 * A mirror is what the legacy system calls an increment: the folder `<ip>/<archive>` with plain copies of the
 * volume's files. Only its `.meta` entry distinguishes it from an unknown folder.
 */
export function mirrorAt({ driver }: StoreWorld, namespace: string, name: string): Mirror {
  return {
    async withFolder(act) {
      if (driver.withFolder) return driver.withFolder(`${namespace}/${name}`, act)
      throw new BackupdError('STORE_UNAVAILABLE', `A store of the kind "${driver.name}" holds no mirrors`)
    },
  }
}

/**
 * Renames a mirror into the trash: it stops being a backup at once, and stays deleted after a crash. False if it did
 * not exist.
 */
export async function moveMirrorToTrash(world: StoreWorld, name: string): Promise<boolean> {
  const folder = await world.driver.stat(`${world.identity.ip}/${name}`)
  if (folder?.kind !== 'folder') return false
  await renameInNamespace(world, name, trashName(name))
  return true
}

/** Renames a file or folder of the own namespace, durably; only in a store of files. */
export function renameInNamespace(world: StoreWorld, from: string, to: string): Promise<void> {
  return inNamespace(world, async (namespace) => {
    renameSync(join(namespace, from), join(namespace, to))
    await syncFolder(namespace)
  })
}

/** Deletes a file or a folder inside a mirror, without following links. False if it did not exist. */
export async function deleteInsideMirror(world: StoreWorld, name: string, inside: string): Promise<boolean> {
  const { folder, name: last } = splitLast(textToBytes(inside))
  return inNamespace(world, async (namespace) => {
    const mirror = openOutputFolder(join(namespace, name))
    try {
      const parent = openBeneath(mirror, folder)
      return parent
        ? await removeName(parent, last, { mirror, trash: join(namespace, trashName(name)) })
        : false
    } finally {
      closeSync(mirror.fd)
    }
  })
}

function openBeneath(mirror: OutputFolder, folder: Buffer): OutputFolder | undefined {
  try {
    return folder.length === 0 ? mirror : openFolderBeneath(mirror, folder)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

async function removeName(
  parent: OutputFolder,
  name: Buffer,
  { mirror, trash }: { mirror: OutputFolder; trash: string },
): Promise<boolean> {
  try {
    const stat = lstatSync(parent.at(name), { throwIfNoEntry: false })
    if (!stat) return false
    if (stat.isDirectory()) renameSync(parent.at(name), trash)
    else unlinkSync(parent.at(name))
    fsyncSync(parent.fd)
    if (stat.isDirectory()) await syncFolder(join(trash, '..'))
    return true
  } finally {
    if (parent !== mirror) closeSync(parent.fd)
  }
}

/** Frees the space of the own namespace's trash. May be aborted at any time; the next call continues. */
export async function emptyTrash(world: StoreWorld, signal: AbortSignal): Promise<void> {
  const { driver, identity, warn } = world
  for await (const entry of driver.names(identity.ip)) {
    if (signal.aborted) return
    if (placeOf(entry).kind !== 'trash') continue
    try {
      await inNamespace(world, (namespace) => removeAll(join(namespace, entry.name), signal))
    } catch (error) {
      if (!signal.aborted) warn(`"${identity.ip}/${entry.name}" could not be removed: ${messageOf(error)}`)
    }
  }
}

async function removeAll(path: string, signal: AbortSignal): Promise<void> {
  {
    await using folder = await openSwapFolder(path)
    await folder.chmod(0o700)
    await emptyFolder(folder, signal)
  }
  rmdirSync(path)
}

async function inNamespace<T>(
  { driver, identity }: StoreWorld,
  act: (path: string) => Promise<T>,
): Promise<T> {
  if (!driver.withFolder)
    throw new BackupdError('STORE_UNAVAILABLE', `A store of the kind "${driver.name}" holds no mirrors`)
  return driver.withFolder(identity.ip, async (path) => {
    try {
      return await act(path)
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause
      const message = `Cannot change ${identity.ip} of the store: ${messageOf(cause)}. See its mount and its permissions`
      throw new BackupdError('STORE_UNAVAILABLE', message, { cause })
    }
  })
}
