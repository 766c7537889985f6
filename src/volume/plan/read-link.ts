import { readlinkSync } from 'node:fs'
import { tolerateSync } from '../../lib/tolerate.ts'

/** The target of a link; null if it was deleted or replaced meanwhile. */
export function readLink(path: Buffer): Buffer | null {
  return tolerateSync(['ENOENT', 'EINVAL'], () => readlinkSync(path, { encoding: 'buffer' })) ?? null
}
