import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Opens a temporary file without a name, to read and write: nobody else sees it, and it is gone when it is closed. */
export function openUnnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-'))
  try {
    return openSync(join(folder, 'unnamed'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
