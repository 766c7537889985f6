import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeFileAtomically } from '../../lib/atomic-file.ts'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { parseJson } from '../../wire/json.ts'
import { seenVolumeSchema } from './seen-volume.ts'

/**
 * `<dataDir>/recovers/<rid>.json`: says that a recover was under way, and where, so that what a crash left is found.
 * Written and synced before each phase begins.
 */
const pointerSchema = z.object({
  format: z.literal(1),
  rid: z.string(),
  /**
   * `staging`: the volume is untouched. `swap`: its journal tells. `copy`: it is to be copied in place, again if need
   * be. `done`: only the staging may still be there.
   */
  phase: z.enum(['staging', 'swap', 'copy', 'done']),
  /** Real path. */
  volume: z.string(),
  /** Of the volume; null where it was missing and is made by this recover. A mount that is away has another. */
  inode: z.string().nullable(),
  /** The folder that holds what is unpacked, what goes, and the journal. */
  staging: z.string(),
  /** In phase `done`: the volume's own time, to be set again where the staging was in it. */
  mtimeNs: z.string().nullable(),
  /** These tell the volume from whatever has its path later. Absent in pointers of older versions. */
  nonce: z.string().optional(),
  /** "Immutable" and "append-only" of the volume itself, if the staging is in it: it gets them back with its time. */
  protection: z.number().int().nonnegative().optional(),
  seen: seenVolumeSchema.optional(),
})
export type Pointer = z.infer<typeof pointerSchema>

export function recoversFolder(dataDir: string): string {
  return join(dataDir, 'recovers')
}

export async function makeRecoversFolder(dataDir: string): Promise<string> {
  const folder = recoversFolder(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}

export function pointerFile(dataDir: string, rid: string): string {
  return join(recoversFolder(dataDir), `${rid}.json`)
}

export async function savePointer(dataDir: string, pointer: Pointer): Promise<void> {
  await writeFileAtomically(pointerFile(dataDir, pointer.rid), JSON.stringify(pointer))
}

/** No error where it is gone. */
export async function dropPointer(dataDir: string, rid: string): Promise<void> {
  await rm(pointerFile(dataDir, rid), { force: true })
  await syncFolder(recoversFolder(dataDir))
}

export interface FoundPointers {
  pointers: Pointer[]
  /** Files that cannot be read as pointers. */
  broken: { file: string; reason: string }[]
}

export async function readPointers(dataDir: string): Promise<FoundPointers> {
  const found: FoundPointers = { pointers: [], broken: [] }
  for (const name of await pointerNames(dataDir)) {
    const file = join(recoversFolder(dataDir), name)
    try {
      found.pointers.push(parseJson(file, await readFile(file, 'utf8'), pointerSchema))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') found.broken.push({ file, reason: messageOf(error) })
    }
  }
  return found
}

/** The pointer of one recover; undefined if there is none. Blocks for one small file. */
export function readPointer(dataDir: string, rid: string): Pointer | undefined {
  const file = pointerFile(dataDir, rid)
  if (!existsSync(file)) return undefined
  return parseJson(file, readFileSync(file, 'utf8'), pointerSchema)
}

async function pointerNames(dataDir: string): Promise<string[]> {
  try {
    return (await readdir(recoversFolder(dataDir))).filter((name) => name.endsWith('.json')).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
