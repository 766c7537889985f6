import { dropPointer, type Pointer } from './pointer.ts'
import { restoreTime } from './restore-time.ts'
import { removeStaging } from './staging-folders.ts'

/** Removes the staging, or what may go of it, and forgets the recover. */
export async function cleanUp(dataDir: string, pointer: Pointer): Promise<void> {
  await removeStaging(pointer.staging)
  await restoreTime(pointer)
  await dropPointer(dataDir, pointer.rid)
}
