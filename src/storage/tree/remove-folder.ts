import { closeSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { openFolder } from './write-folder.ts'

/** Removes a directory with all that is in it. Each one is held open meanwhile, so that no link leads out of it. */
export function removeFolder(place: Buffer): void {
  const folder = openFolder(place)
  try {
    for (const name of readdirSync(folder.at(Buffer.from('.')), { encoding: 'buffer' })) {
      const inner = folder.at(name)
      if (lstatSync(inner).isDirectory()) removeFolder(inner)
      else unlinkSync(inner)
    }
  } finally {
    closeSync(folder.fd)
  }
  rmdirSync(place)
}
