import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onEnd } from './lifetime.ts'

/** A folder in memory, where a sync costs nothing, if this machine has one. */
export const FAST_DIR = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A new empty directory, removed after the test. */
export function tempDir(parent = FAST_DIR): string {
  const dir = mkdtempSync(join(parent, 'backupd-test-'))
  onEnd(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
