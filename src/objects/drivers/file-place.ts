import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { tolerate } from '../../lib/tolerate.ts'
import { checkObjectName } from './object-names.ts'

/** The directory of a driver's files. */
export interface FilePlace {
  /** The path that the operator configured. */
  readonly dir: string
  /** Runs `act` with a path of the store's root that is valid until `act` ends. Throws if the store is missing. */
  within<T>(act: (root: string) => Promise<T>): Promise<T>
  /** The path of an existing folder. Throws ENOENT, or STORE_UNAVAILABLE if a link leads out of the root. */
  folder(root: string, name: string): Promise<string>
}

/** Runs `act` with the path of a folder of the store (`''` = the store itself). */
export function atFolder<T>(place: FilePlace, folder: string, act: (path: string) => Promise<T>): Promise<T> {
  return place.within(async (root) => act(await folderPath(place, root, folder)))
}

/** Runs `act` with the path of an object. Its parent folders exist, but the object may be missing or a link. */
export function atObject<T>(place: FilePlace, name: string, act: (path: string) => Promise<T>): Promise<T> {
  return place.within(async (root) => act(await objectPath(place, root, name)))
}

/** Like atObject, but creates missing parent folders first, durably. */
export function atNewObject<T>(
  place: FilePlace,
  name: string,
  act: (path: string) => Promise<T>,
): Promise<T> {
  return place.within(async (root) => act(await newObjectPath(place, root, name)))
}

export async function objectPath(place: FilePlace, root: string, name: string): Promise<string> {
  return join(await folderPath(place, root, splitFolders(name).join('/')), basename(name))
}

export async function newObjectPath(place: FilePlace, root: string, name: string): Promise<string> {
  let at = root
  let folder = ''
  for (const part of splitFolders(name)) {
    if (await createObjectFolder(join(at, part))) await syncFolder(at)
    folder = join(folder, part)
    at = await place.folder(root, folder)
  }
  return join(at, basename(name))
}

function splitFolders(name: string): string[] {
  return checkObjectName(name).split('/').slice(0, -1)
}

async function folderPath(place: FilePlace, root: string, folder: string): Promise<string> {
  return folder === '' ? root : place.folder(root, checkObjectName(folder))
}

/** False if it exists already. */
function createObjectFolder(path: string): Promise<boolean> {
  return tolerate(['EEXIST'], () => mkdir(path, 0o700).then(() => true), false)
}
