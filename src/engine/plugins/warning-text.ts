import { bytesToText } from '../../lib/byte-paths.ts'
import type { TreeWarning } from '../../volume/tree/entry.ts'

/** A warning as records show it: `path: message`, with `.` for the volume itself. */
export function warningText({ path, message }: TreeWarning): string {
  return `${bytesToText(path) || '.'}: ${message}`
}
