import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { tolerateSync } from '../../lib/tolerate.ts'
import { isKeptFolder, readKeptNote } from './kept-note.ts'
import { readPointer } from './pointer.ts'
import { isStagingName, STAGING_PREFIX } from './staging-folders.ts'

const RID = /^[\w-]{1,64}$/

/**
 * For the walk of a backup: recognizes staging folders of this daemon's recovers and what these keep, unlike other folders of such a name.
 * The recover may be of a volume inside this one, and may begin during the walk.
 * @param volume its real path
 * @returns a function that returns why a name is left out, or undefined
 */
export function findOwnStaging(dataDir: string, volume: string) {
  return (folder: Buffer, name: Buffer): string | undefined => {
    if (!isStagingName(name)) return undefined
    const rid = name.subarray(STAGING_PREFIX.length).toString('latin1')
    if (!RID.test(rid)) return undefined
    const path = join(volume, folder.toString(), name.toString())
    if (readPointer(dataDir, rid)?.staging === path)
      return `is the staging folder of the recover ${rid}: not part of the backup`
    const kept = readKeptNote(dataDir, rid)
    if (kept?.staging !== path) return undefined
    // A container can remove the copy and create a folder of its own there.
    const stats = tolerateSync(['ENOENT', 'ENOTDIR'], () => lstatSync(path, { bigint: true }))
    if (!stats || !isKeptFolder(kept, stats)) return undefined
    return `is what the recover ${kept.rid} replaced and keeps: not part of the backup`
  }
}
