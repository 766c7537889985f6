import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

/** Makes a folder (0700) and those above it where they are missing. Not mkdir's `recursive`: on /proc and its like that never ends. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}
