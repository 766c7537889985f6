import { join } from 'node:path'
import { readPointer } from './pointer.ts'
import { isStagingName, STAGING_PREFIX } from './staging-folders.ts'

const RID = /^[\w-]{1,64}$/

/**
 * For a walk of a volume: tells the staging folder of a recover of this data directory from names that only look like
 * one. The recover may be one of a volume inside this one, and begin during the walk.
 * @param volume its real path
 */
export function findOwnStaging(dataDir: string, volume: string) {
  return (folder: Buffer, name: Buffer): string | undefined => {
    if (!isStagingName(name)) return undefined
    const rid = name.subarray(STAGING_PREFIX.length).toString('latin1')
    const pointer = RID.test(rid) ? readPointer(dataDir, rid) : undefined
    if (pointer?.staging !== join(volume, folder.toString(), name.toString())) return undefined
    return `is the staging folder of the recover ${rid}: not part of the backup`
  }
}
