import { hash } from 'node:crypto'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { tryReadSmall } from '../objects/small-objects.ts'
import { type Manifest, manifestSchema } from '../wire/backup.ts'
import { parseJson } from '../wire/json.ts'
import { printSignedFields } from '../wire/manifest-signature.ts'
import { makePieceKey } from './layout.ts'

/** Prints what a signature is over: only a recover needs it. May throw, as the content is that of anybody. */
export type PrintSigned = () => string

/** A manifest, or what is wrong with it: a value, so that one bad manifest does not end the listing of the others. */
export type ReadManifest =
  /** `changed`: it is not as backupd wrote it, by damage or by hand. */
  | { manifest: Manifest; problem: null; changed?: true; printSigned: PrintSigned }
  | { manifest: null; problem: string }

/** undefined if the backup has no manifest. Throws only if the store does not answer. */
export async function readManifest(
  driver: Driver,
  namespace: string,
  name: string,
): Promise<ReadManifest | undefined> {
  const { content, problem } = await tryReadSmall(driver, makePieceKey(namespace, name, 'manifest'))
  if (problem !== null) return { manifest: null, problem: `its manifest cannot be read: ${problem}` }
  return content && parseManifest(name, content)
}

export function parseManifest(name: string, text: Buffer): ReadManifest {
  try {
    const content = text.toString('utf8')
    const manifest = parseJson('its manifest', content, manifestSchema)
    if (manifest.name !== name)
      return { manifest: null, problem: `its manifest is that of ${JSON.stringify(manifest.name)}` }
    const printSigned = () => printSignedFields(JSON.parse(content) as Record<string, unknown>)
    return { manifest, problem: null, printSigned, ...(isChanged(content) && { changed: true }) }
  } catch (error) {
    if (error instanceof BackupdError) return { manifest: null, problem: error.message }
    return { manifest: null, problem: `its manifest cannot be read: ${messageOf(error)}` }
  }
}

/** With `isChanged`, the checksum is wrong: that the manifest was changed must stay visible. */
export function manifestText(manifest: Manifest, isChanged = false): Buffer {
  const checksum = isChanged ? '' : hash('sha256', JSON.stringify(manifest))
  return Buffer.from(`${JSON.stringify({ ...manifest, checksum }, null, 2)}\n`)
}

/** Earlier versions write no checksum, also if they change a manifest. Fields that this version does not know count too. */
function isChanged(text: string): boolean {
  const { checksum, ...content } = JSON.parse(text) as { checksum?: unknown }
  return checksum !== undefined && checksum !== hash('sha256', JSON.stringify(content))
}
