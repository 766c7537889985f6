import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { tryReadSmall } from '../objects/small-objects.ts'
import { type Manifest, manifestSchema } from '../wire/backup.ts'
import { parseJson } from '../wire/json.ts'
import { makePieceKey } from './layout.ts'

/** A manifest, or what is wrong with it: a value, so that one bad manifest does not end the listing of the others. */
export type ReadManifest = { manifest: Manifest; problem: null } | { manifest: null; problem: string }

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
    const manifest = parseJson('its manifest', text.toString('utf8'), manifestSchema)
    if (manifest.name === name) return { manifest, problem: null }
    return { manifest: null, problem: `its manifest is that of ${JSON.stringify(manifest.name)}` }
  } catch (error) {
    if (error instanceof BackupdError) return { manifest: null, problem: error.message }
    return { manifest: null, problem: `its manifest cannot be read: ${messageOf(error)}` }
  }
}

export function manifestText(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
}
