import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Opens a temporary file without a name for reading and writing: invisible to others, and deleted when closed. */
export function openUnnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-'))
  try {
    return openSync(join(folder, 'unnamed'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
