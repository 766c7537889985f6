import { readlinkSync } from 'node:fs'
import { tolerateSync } from '../../lib/tolerate.ts'

/** null if it is gone meanwhile, or is no link any more. */
export function readLink(path: Buffer): Buffer | null {
  return tolerateSync(['ENOENT', 'EINVAL'], () => readlinkSync(path, { encoding: 'buffer' })) ?? null
}
