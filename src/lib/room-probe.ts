import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { errnoOf } from './errors.ts'

const PROBE_BYTES = 64 * 1024

/**
 * Whether the file system or quota of a file's folder is full, tested by a write. For callers that do not get the error
 * number of a failed write: SQLite reports a full quota (EDQUOT) as an I/O error.
 */
export function hasNoRoomBeside(file: string): boolean {
  const probe = `${file}.room-probe`
  try {
    writeProbe(probe)
    return false
  } catch (error) {
    return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')
  } finally {
    rmSync(probe, { force: true })
  }
}

function writeProbe(path: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    // Not writeSync, which writes only a part if there is room for a part.
    writeFileSync(file, Buffer.alloc(PROBE_BYTES, 'room '))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
