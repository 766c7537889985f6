import { z } from 'zod'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { changedWhileReadSchema, clockDoubtSchema } from '../../wire/backup.ts'
import { goJsonString } from './go-json.ts'
import { parseGoTime } from './go-time.ts'

/** Facts of a snapshot for which restic has no field. They are in the same JSON file; restic ignores them. */
const snapshotFactsSchema = z.object({
  format: z.literal(1),
  app: z.string(),
  proc: z.string(),
  volume: z.string(),
  instanceNo: z.number().int(),
  containers: z.array(z.string()),
  jobId: z.string(),
  /** Grows by one with each snapshot of a volume. */
  sequence: z.number().int().nonnegative(),
  state: z.enum(['success', 'partial']),
  suspect: z.string().nullable(),
  files: z.number().int(),
  /** The size of all file content. */
  bytes: z.number(),
  entries: z.number().int(),
  /** The bytes that this snapshot added to the store. */
  added: z.number(),
  root: z.object({ device: z.string(), mountPoint: z.boolean() }),
  /** Only the first ones; `warningCount` counts all. */
  warnings: z.array(z.string()),
  warningCount: z.number().int(),
  notKept: z.array(z.string()),
  /** Whether inode flags were read. Snapshots of older versions do not have them. */
  inodeFlags: z.boolean().optional(),
  clockDoubt: clockDoubtSchema.optional(),
  /** The last time when all files were read, even those that seemed unchanged. ISO 8601. */
  lastReread: z.string().optional(),
  changedWhileRead: changedWhileReadSchema.optional(),
  /** The runs before it, with which the next one is compared: store/kinds/unusual. */
  history: z
    .string()
    .transform((text) => text.slice(0, 8192))
    .optional(),
  durability: z.enum(['synced', 'acknowledged']),
  writer: z.string(),
})
export type SnapshotFacts = z.infer<typeof snapshotFactsSchema>

const ID = z.string().regex(/^[\da-f]{64}$/)

const snapshotSchema = z.object({
  time: z.string().refine((text) => parseGoTime(text) !== undefined, 'its time is not RFC 3339'),
  parent: ID.nullish(),
  tree: ID,
  paths: z.array(z.string()).nullish(),
  hostname: z.string().nullish(),
  username: z.string().nullish(),
  uid: z.number().int().nullish(),
  gid: z.number().int().nullish(),
  tags: z.array(z.string()).nullish(),
  original: ID.nullish(),
  backupd: z.unknown().optional(),
})

/** The content of a snapshot's file in the repository. */
export interface SnapshotFile {
  /** RFC 3339 with nanoseconds, in any zone. */
  time: string
  /** The id of its tree, which starts at `/`. */
  tree: Buffer
  parent: string | null
  paths: string[]
  hostname: string
  username: string
  uid: number
  gid: number
  tags: string[]
  /** The snapshot from which restic made this one (`restic tag`, `restic rewrite`); null if there is none. */
  original: string | null
  /** Null if restic made it. */
  backupd: SnapshotFacts | null
}

/** Encodes a snapshot's file as JSON like restic 0.14. */
export function encodeSnapshot(snapshot: SnapshotFile): Buffer {
  const { time, parent, tree, paths, hostname, username, uid, gid, tags, original, backupd } = snapshot
  const parts = [`"time":${goJsonString(time)}`]
  if (parent) parts.push(`"parent":"${parent}"`)
  parts.push(`"tree":"${tree.toString('hex')}"`, `"paths":${listJson(paths)}`)
  if (hostname) parts.push(`"hostname":${goJsonString(hostname)}`)
  if (username) parts.push(`"username":${goJsonString(username)}`)
  if (uid) parts.push(`"uid":${uid}`)
  if (gid) parts.push(`"gid":${gid}`)
  if (tags.length > 0) parts.push(`"tags":${listJson(tags)}`)
  if (original) parts.push(`"original":"${original}"`)
  if (backupd) parts.push(`"backupd":${JSON.stringify(backupd)}`)
  return Buffer.from(`{${parts.join(',')}}`)
}

function listJson(texts: readonly string[]): string {
  return `[${texts.map(goJsonString).join(',')}]`
}

/**
 * Parses a snapshot's file that backupd or restic wrote. Throws SNAPSHOT_CORRUPT. Facts with an unknown shape become
 * null.
 */
export function parseSnapshot(id: string, json: Buffer): SnapshotFile {
  const raw = readShape(id, json)
  const facts = snapshotFactsSchema.safeParse(raw.backupd)
  return {
    time: raw.time,
    tree: Buffer.from(raw.tree, 'hex'),
    parent: raw.parent ?? null,
    paths: raw.paths ?? [],
    hostname: raw.hostname ?? '',
    username: raw.username ?? '',
    uid: raw.uid ?? 0,
    gid: raw.gid ?? 0,
    tags: raw.tags ?? [],
    original: raw.original ?? null,
    backupd: facts.success ? facts.data : null,
  }
}

function readShape(id: string, json: Buffer): z.infer<typeof snapshotSchema> {
  try {
    return snapshotSchema.parse(JSON.parse(json.toString('utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? 'unknown shape') : messageOf(error)
    throw new BackupdError('SNAPSHOT_CORRUPT', `The snapshot ${id} is damaged: ${why}`, {
      facts: { snapshot: id },
      cause: error,
    })
  }
}
