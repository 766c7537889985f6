import { closeSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { findMountId } from './mounts.ts'
import { openOutputFolder } from './write-folder.ts'
import type { NameInFolder } from './write-metadata.ts'

/**
 * Removes a directory with its content. Each directory is held open meanwhile, so that no link can lead out of it.
 * @throws EXDEV if something is mounted at it or in it; the mount's content is not touched
 */
export function removeFolder({ folder, name }: NameInFolder): void {
  removeBelow(folder.at(name), findMountId(folder.fd))
}

function removeBelow(place: Buffer, mount: string): void {
  const folder = openOutputFolder(place)
  try {
    if (findMountId(folder.fd) !== mount)
      throw Object.assign(new Error('EXDEV: something is mounted in it'), { code: 'EXDEV' })
    for (const name of readdirSync(folder.at(Buffer.from('.')), { encoding: 'buffer' })) {
      const inner = folder.at(name)
      if (lstatSync(inner).isDirectory()) removeBelow(inner, mount)
      else unlinkSync(inner)
    }
  } finally {
    closeSync(folder.fd)
  }
  rmdirSync(place)
}
