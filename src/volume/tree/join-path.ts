import { SLASH_BYTES } from '../../lib/byte-paths.ts'

/** Joins into a new buffer; the folder is empty for a name at the top. */
export function joinPath(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? Buffer.from(name) : Buffer.concat([folder, SLASH_BYTES, name])
}
