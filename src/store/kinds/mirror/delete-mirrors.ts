import { closeSync, fsyncSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../../../lib/atomic-file.ts'
import { textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { tolerateSync } from '../../../lib/tolerate.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder } from '../../../volume/tree/write-folder.ts'
import { splitLast } from '../../../volume/tree/write-paths.ts'
import { readHolds } from '../../hold-note.ts'
import { type BackupPath, trashName } from '../../layout.ts'
import type { Meta } from '../../meta.ts'
import { updateMeta } from '../../meta-file.ts'
import { renameInNamespace, withNamespaceFolder } from '../../namespace-folder.ts'
import { refuseHolds } from '../../refuse-holds.ts'
import type { StoreWorld } from '../../world.ts'
import { isMirrorName } from './is-mirror.ts'

/**
 * Picks the mirrors, and the paths inside mirrors. Throws BAD_INPUT for a path inside another kind of backup, CONFLICT for a
 * mirror that is held.
 */
export async function findDeletableMirrors(
  world: StoreWorld,
  paths: readonly BackupPath[],
  meta: Meta,
): Promise<BackupPath[]> {
  const found: BackupPath[] = []
  for (const one of paths) if (await isOfMirror(world, one, meta)) found.push(one)
  if (found.length === 0) return found
  const findHolds = await readHolds(world.driver, world.identity.ip)
  for (const { name } of found) refuseHolds({ name }, findHolds(name), world.trustedNow())
  return found
}

/** False for a path if nothing of that name exists: the legacy system asks every server of a proc to delete it. */
async function isOfMirror(
  { driver, identity }: StoreWorld,
  { name, inside }: BackupPath,
  meta: Meta,
): Promise<boolean> {
  if (inside === null) return isMirrorName(name, meta)
  if (!(await driver.stat(`${identity.ip}/${name}`))) return false
  if (isMirrorName(name, meta)) return true
  const what = `Cannot delete a path inside "${name}": only mirrors of the legacy system allow that`
  throw new BackupdError('BAD_INPUT', what)
}

/** Deletes what findDeletableMirrors() returned; emptyTrash() frees the room. Call it under exclusively(). */
export async function deleteMirrors(
  world: StoreWorld,
  mirrors: readonly BackupPath[],
): Promise<BackupPath[]> {
  const deleted: BackupPath[] = []
  for (const one of mirrors) if (await deleteMirror(world, one)) deleted.push(one)
  const whole = mirrors.filter(({ inside }) => inside === null).map(({ name }) => name)
  if (whole.length === 0) return deleted
  // The renames are on disk before the entries go.
  await world.driver.syncFolder?.(world.identity.ip)
  await updateMeta(world, (meta) => meta.drop(whole))
  return deleted
}

function deleteMirror(world: StoreWorld, { name, inside }: BackupPath): Promise<boolean> {
  return inside === null ? moveMirrorToTrash(world, name) : deleteInsideMirror(world, name, inside)
}

/**
 * Renames a mirror into the trash: it stops being a backup at once, and stays deleted after a crash. False if it did
 * not exist.
 */
async function moveMirrorToTrash(world: StoreWorld, name: string): Promise<boolean> {
  const folder = await world.driver.stat(`${world.identity.ip}/${name}`)
  if (folder?.kind !== 'folder') return false
  await renameInNamespace(world, name, trashName(name))
  return true
}

/** Deletes a file or a folder inside a mirror, without following links. False if it did not exist. */
async function deleteInsideMirror(world: StoreWorld, name: string, inside: string): Promise<boolean> {
  const { folder, name: last } = splitLast(textToBytes(inside))
  return withNamespaceFolder(world, async (namespace) => {
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
  if (folder.length === 0) return mirror
  return tolerateSync(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'], () => openFolderBeneath(mirror, folder))
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
