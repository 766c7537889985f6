import { type BigIntStats, existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeFileAtomically } from '../../lib/atomic-file.ts'
import { errnoOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'
import { parseJson } from '../../wire/json.ts'
import { rootMetadataSchema } from './root-metadata.ts'
import { seenVolumeSchema } from './seen-volume.ts'

/**
 * What a recover replaced and kept: its staging folder stays, with the old content in one of its subfolders. The note
 * of it is `<dataDir>/kept/<id>.json`; the folder has a copy, to find it again if the data directory is lost.
 */
export const keptNoteSchema = z.object({
  format: z.literal(1),
  /** The id in the name of the folder: of the recover that made it. */
  id: z.string().regex(/^[\w-]{1,64}$/),
  /** The recover, or the undo of one, that replaced the content. */
  rid: z.string().regex(/^[\w-]{1,64}$/),
  /** Real path. */
  volume: z.string(),
  /** Its path as it was named, which may lead through links. */
  path: z.string(),
  inode: z.string(),
  seen: seenVolumeSchema.optional(),
  /** The path of the folder, beside the volume or inside it. */
  staging: z.string(),
  stagingInode: z.string(),
  /** The folder's time of birth; empty if the file system does not record it, missing in notes of older versions. */
  stagingBirthNs: z.string().optional(),
  /** The subfolder that has the content. */
  content: z.enum(['old', 'new']),
  /** The metadata of the volume itself, as it was with this content. */
  root: rootMetadataSchema,
  /** Unix ms of the trusted clock. */
  madeMs: z.number().int(),
  untilMs: z.number().int(),
  /** Disk usage. */
  bytes: z.number().int().nonnegative(),
  /** Everything but directories. */
  files: z.number().int().nonnegative(),
  /** Ids of older copies of the same volume, which are removed. */
  replaces: z.array(z.string().regex(/^[\w-]{1,64}$/)),
  /** It is being removed, so that it may be incomplete. */
  dropping: z.boolean().optional(),
})
export type KeptNote = z.infer<typeof keptNoteSchema>

/** What identifies the folder of a copy, besides its path. */
export function identifyKept({
  ino,
  birthtimeNs,
}: Pick<BigIntStats, 'ino' | 'birthtimeNs'>): Pick<KeptNote, 'stagingInode' | 'stagingBirthNs'> {
  return { stagingInode: String(ino), stagingBirthNs: birthtimeNs > 0n ? String(birthtimeNs) : '' }
}

/** Whether this is the folder of the note, and not another one at its path. */
export function isKeptFolder(note: KeptNote, stats: Pick<BigIntStats, 'ino' | 'birthtimeNs'>): boolean {
  const { stagingInode, stagingBirthNs } = identifyKept(stats)
  const isBorn = note.stagingBirthNs === undefined || note.stagingBirthNs === stagingBirthNs
  return note.stagingInode === stagingInode && isBorn
}

function keptFolder(dataDir: string): string {
  return join(dataDir, 'kept')
}

function keptFile(dataDir: string, id: string): string {
  return join(keptFolder(dataDir), `${id}.json`)
}

export async function makeKeptFolder(dataDir: string): Promise<void> {
  await mkdir(keptFolder(dataDir), { recursive: true, mode: 0o700 })
}

export async function saveKeptNote(dataDir: string, note: KeptNote): Promise<void> {
  await makeKeptFolder(dataDir)
  await writeFileAtomically(keptFile(dataDir, note.id), JSON.stringify(note))
}

/** No error if it does not exist. */
export async function deleteKeptNote(dataDir: string, id: string): Promise<void> {
  await rm(keptFile(dataDir, id), { force: true })
  await syncFolder(keptFolder(dataDir))
}

/** The note of one folder; undefined if there is none. Blocks for one small file. */
export function readKeptNote(dataDir: string, id: string): KeptNote | undefined {
  const file = keptFile(dataDir, id)
  if (!existsSync(file)) return undefined
  return parseJson(file, readFileSync(file, 'utf8'), keptNoteSchema)
}

/** All notes, also of copies that are to be removed. `onBroken` hears of files that are not notes. */
export async function readKeptNotes(
  dataDir: string,
  onBroken: (file: string, error: unknown) => void = () => {},
): Promise<KeptNote[]> {
  const names = await tolerate(['ENOENT'], () => readdir(keptFolder(dataDir)), [])
  const notes: KeptNote[] = []
  for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
    const file = join(keptFolder(dataDir), name)
    try {
      notes.push(parseJson(file, await readFile(file, 'utf8'), keptNoteSchema))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') onBroken(file, error)
    }
  }
  return notes
}

/** Those that can be used. A note says nothing of the copies of other volumes. */
export function listPresentNotes(notes: readonly KeptNote[]): KeptNote[] {
  const keyOf = (volume: string, id: string) => `${id} ${volume}`
  const replaced = new Set(notes.flatMap(({ volume, replaces }) => replaces.map((id) => keyOf(volume, id))))
  return notes.filter(({ id, volume, dropping }) => dropping !== true && !replaced.has(keyOf(volume, id)))
}
