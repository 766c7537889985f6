import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { errnoOf } from './errors.ts'

const BYTES = 64 * 1024

/**
 * Whether nothing more can be written beside a file: its file system is full, or a quota is used up. For callers that
 * were told of a failed write without its error number: SQLite reports a used up quota (EDQUOT) as an I/O error.
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
    // Not writeSync, which writes a part where only a part has room.
    writeFileSync(file, Buffer.alloc(BYTES, 'room '))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
