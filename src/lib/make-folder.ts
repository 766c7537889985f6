import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'
import { tolerate } from './tolerate.ts'

/** Creates a folder (0700) and its missing parents, without mkdir's `recursive`, which never ends on /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await makeOne(path)
  }
}

/** Does nothing if it exists: another process may make the same folder. */
async function makeOne(path: string): Promise<void> {
  await tolerate(['EEXIST'], () => mkdir(path, 0o700))
}
