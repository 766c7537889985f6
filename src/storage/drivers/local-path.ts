import { mkdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { checkObjectName } from './object-names.ts'

/** The store's own directory, symlinks resolved. Throws STORE_UNAVAILABLE where it is not there. */
export async function realRoot(dir: string): Promise<string> {
  try {
    return await realpath(dir)
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `The store ${dir} is not there: is it mounted, or should it be made?`,
      { cause },
    )
  }
}

/** The path of a folder of the store (`''` = the store itself). Throws ENOENT, or STORE_UNAVAILABLE where links lead out. */
export async function folderPath(dir: string, folder: string): Promise<string> {
  const root = await realRoot(dir)
  return folder === '' ? root : inside(root, await realpath(join(root, checkObjectName(folder))))
}

/** The path of an object; the folders above it are real, the object itself may be missing, or a link. */
export async function objectPath(dir: string, name: string): Promise<string> {
  const folder = checkObjectName(name).split('/').slice(0, -1).join('/')
  return join(await folderPath(dir, folder), basename(name))
}

/** As objectPath, after making the folders above it, each durably. */
export async function newObjectPath(dir: string, name: string): Promise<string> {
  const root = await realRoot(dir)
  let at = root
  for (const part of checkObjectName(name).split('/').slice(0, -1)) {
    if (await makeFolder(join(at, part))) await syncFolder(at)
    at = inside(root, await realpath(join(at, part)))
  }
  return join(at, basename(name))
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, 0o700)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

function inside(root: string, path: string): string {
  if (path === root || path.startsWith(`${root}/`)) return path
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `A symbolic link leads out of the store ${root}, to ${path}. Remove it`,
  )
}
