import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeFileAtomically } from '../../lib/atomic-file.ts'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'
import { parseJson } from '../../wire/json.ts'
import { seenVolumeSchema } from './seen-volume.ts'

/** How long the old content of a swap is kept: unix ms of the trusted clock. */
const keepSchema = z.object({
  madeMs: z.number().int(),
  untilMs: z.number().int(),
  /** The path of the volume as it was named. */
  path: z.string(),
})
export type KeepTime = z.infer<typeof keepSchema>

/**
 * `<dataDir>/recovers/<rid>.json`: records that a recover is running and where, so that it can be settled after a
 * crash. Written and synced before each phase begins.
 */
const pointerSchema = z.object({
  /** 2: an undo, or a swap that keeps the old content: an older version must not settle it. */
  format: z.union([z.literal(1), z.literal(2)]),
  rid: z.string(),
  /**
   * `staging`: the volume is unchanged. `swap`: the journal decides. `copy`: the copy in place must be finished, again
   * from the start if necessary. `done`: only the staging folder may be left.
   */
  phase: z.enum(['staging', 'swap', 'copy', 'done']),
  /** Real path. */
  volume: z.string(),
  /** Of the volume; null if this recover creates it. The bare mount point of an unmounted volume has another inode. */
  inode: z.string().nullable(),
  /** The folder with the unpacked content, the old content and the journal. */
  staging: z.string(),
  /** The volume's own modification time, which is restored at the end if the staging folder was inside it. */
  mtimeNs: z.string().nullable(),
  /** Also in the journal, which it must match. Missing in pointers of older versions. */
  nonce: z.string().optional(),
  /** The volume's "immutable" and "append-only" flags, restored like its time if the staging folder is inside it. */
  protection: z.number().int().nonnegative().optional(),
  /** Identifies the volume. Missing in pointers of older versions. */
  seen: seenVolumeSchema.optional(),
  /** The old content is kept. Only from phase `swap` on. */
  keep: keepSchema.optional(),
  /** The new content is what an earlier recover kept in the staging folder, in this subfolder. */
  undo: z.object({ content: z.enum(['old', 'new']) }).optional(),
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

/** No error if it does not exist. */
export async function deletePointer(dataDir: string, rid: string): Promise<void> {
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
  const names = await tolerate(['ENOENT'], () => readdir(recoversFolder(dataDir)), [])
  return names.filter((name) => name.endsWith('.json')).sort()
}
