import { accessSync, constants, renameSync } from 'node:fs'
import { mkdir, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { tolerate, tolerateSync } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { type Folder, openFolder } from './folder.ts'
import { JOURNAL } from './journal.ts'
import type { Pointer } from './pointer.ts'
import { PROTECTED } from './protected-list.ts'
import { emptyFolder } from './remove-tree.ts'
import { isProtected } from './unprotect.ts'

export const STAGING_PREFIX = '.backupd-recover-'

/** Folders in a staging folder: the new content, the old content, and what appeared in the volume meanwhile. */
export const NEW_FOLDER = 'new'
export const OLD_FOLDER = 'old'
export const LATE_FOLDER = 'late'

/** A swap never moves such names at the top of a volume: they may have the old content of another recover. */
export function isStagingName(name: Buffer): boolean {
  return name.toString('latin1').startsWith(STAGING_PREFIX)
}

/** The staging path: beside the volume if that is the same mount and writable, else inside the volume. */
export function stagingPath(volume: HeldVolume, rid: string): string {
  const name = `${STAGING_PREFIX}${rid}`
  const isBeside = !volume.exists || isReachable(volume, name)
  return join(isBeside ? dirname(volume.path) : volume.path, name)
}

/** The staging path inside the volume, in any case. */
export function stagingPathInside(volume: HeldVolume, rid: string): string {
  return join(volume.path, `${STAGING_PREFIX}${rid}`)
}

/** The name of an empty directory that is moved into the volume to test renames, and removed at once. */
export function probeName(staging: string): string {
  return `${staging}-probe`
}

/** Whether `parent` can be renamed from. Renames a name that does not exist: the kernel checks mounts before names. */
function isReachable({ parent, place }: HeldVolume, name: string): boolean {
  try {
    accessSync(parent, constants.W_OK)
    // In a protected parent, the staging folder could not be removed again.
    if (isProtected(Buffer.from(parent))) return false
    renameSync(`${parent}/${name}`, `${place}/${name}`)
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
  }
  return false
}

export function isInside(staging: string, volume: string): boolean {
  return dirname(staging) === volume
}

/** A path to the staging folder through the held volume: it stays valid if the volume's path changes. */
export function stagingPlace(
  { staging, volume: path }: Pick<Pointer, 'staging' | 'volume'>,
  volume: HeldVolume,
): string {
  const folder = isInside(staging, path) ? volume.place : volume.parent
  return `${folder}/${basename(staging)}`
}

/** Creates the staging folder, private to the daemon: removes inherited ACLs before anything is in it. */
export async function makeStagingFolders(staging: string): Promise<void> {
  await mkdir(staging, { mode: 0o700 })
  await using folder = await openFolder(staging)
  for (const acl of ['system.posix_acl_default', 'system.posix_acl_access']) removeXattr(folder, acl)
  await folder.chmod(0o700)
  for (const name of [NEW_FOLDER, OLD_FOLDER, LATE_FOLDER]) await mkdir(folder.at(name), { mode: 0o700 })
}

function removeXattr(folder: Folder, name: string): void {
  tolerateSync(['ENOTSUP'], () => loadKernel()?.removeXattr(folder.fd, Buffer.from(name)))
}

/**
 * Removes the unpacked content, the journal, and the folders that are then empty.
 * @returns false if something else is left in it, so that the staging folder could not be removed
 */
export async function removeStaging(staging: string): Promise<boolean> {
  try {
    await using folder = await openFolder(staging)
    await emptyIfThere(folder, NEW_FOLDER)
    // Probes of a run that was killed while it tested renames.
    for (const probe of [`${OLD_FOLDER}/probe`, probeName(basename(staging))])
      await tolerate(['ENOENT', 'ENOTEMPTY', 'ENOTDIR'], () => rmdir(folder.at(probe)))
    for (const name of [NEW_FOLDER, OLD_FOLDER, LATE_FOLDER])
      await tolerate(['ENOENT', 'ENOTEMPTY'], () => rmdir(folder.at(name)))
    await tolerate(['ENOENT'], () => unlink(folder.at(JOURNAL)))
    await tolerate(['ENOENT'], () => unlink(folder.at(PROTECTED)))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true
    throw error
  }
  return await tolerate(['ENOTEMPTY', 'EEXIST'], () => rmdir(staging).then(() => true), false)
}

/** Removes only what a swap wrote into the staging folder; its content is kept. */
export async function tidyStaging(staging: string): Promise<void> {
  await tolerate(['ENOENT'], async () => {
    await using folder = await openFolder(staging)
    await tolerate(['ENOENT'], () => unlink(folder.at(JOURNAL)))
    await tolerate(['ENOENT'], () => unlink(folder.at(PROTECTED)))
    await folder.sync()
  })
}

/** Empties a folder in the staging folder; no error if it does not exist. */
export async function emptyIfThere(staging: Folder, name: string): Promise<void> {
  await tolerate(['ENOENT'], async () => {
    await using folder = await openFolder(staging.at(name))
    await emptyFolder(folder)
  })
}
