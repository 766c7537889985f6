import { bytesToText } from '../../lib/byte-paths.ts'
import type { TreeWarning } from '../../volume/tree/entry.ts'

/** A warning as records show it: behind its path, `.` for the volume as a whole. */
export function warningText({ path, message }: TreeWarning): string {
  return `${bytesToText(path) || '.'}: ${message}`
}
