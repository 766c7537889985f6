import { z } from 'zod'
import { type BackupInfo, fileInfoSchema } from './backup.ts'
import { bigCount, count, ipv4, jsonObject, measure, moment, name, rid, wordList, words } from './fields.ts'
import { readBackup } from './mend.ts'
import { readRecords, type SortedRecords } from './mend-record.ts'
import type { RunRecord } from './record.ts'
import { parseEach, tolerantObject, tolerantPage } from './tolerant.ts'

/** The dialect of ours; an original daemon has none. docs/protocol.md describes every message. */
export const PROTOCOL = 2

/** `GET /api/v1/debug`. Without `protocol` the daemon is an original. */
const debugShape = z.object({
  crond_status: z.enum(['started', 'stopped']),
  running_tasks: count,
  startTime: moment,
  /** NEVER (`0001-01-01T00:00:00Z`) until a list of jobs came since the start. */
  updateTime: moment,
  goroutines: count.optional(),
  mem_stats: jsonObject.optional(),
  protocol: count.optional(),
  capabilities: wordList.optional(),
  /** Made once per data directory. */
  daemonId: name.optional(),
  ip: name.optional(),
  version: words.optional(),
  /** Running records, so that a controller can tell a silent one from a lost one. */
  running: z.array(name).optional(),
  /** What an operator must see to, a sentence each. */
  problems: wordList.optional(),
  /** Its wall clock (unix ms), the boot id of its machine, and whether it differs too much from the trusted time. */
  clock: z.object({ now: measure, boot: name, inDoubt: z.boolean() }).optional(),
  /** Of schedules that name none. */
  timeZone: words.optional(),
  store: z
    .object({
      driver: words,
      freeBytes: bigCount.nullable(),
      totalBytes: bigCount.nullable(),
      /** What was deleted and still takes room. */
      trashBytes: bigCount.nullable().optional(),
      /** The narrowest quota on the store. */
      quota: z.object({ usedBytes: bigCount, limitBytes: bigCount }).nullable().optional(),
      error: words.nullable(),
    })
    .optional(),
  /** The controller that its list of jobs is from; none for a legacy controller. */
  controller: z.object({ id: name, url: words }).optional(),
  /** What of the answer could not be read, and was left out. */
  setAside: wordList.optional(),
})
export const debugSchema = tolerantObject(debugShape)

/** Who sends a list of jobs. A daemon takes lists of one controller only. */
export interface JobsSender {
  /** The same non-empty version means the same list. */
  version: string
  controller: { id: string; url: string }
  /** The daemon changes over from another controller. */
  takeOver: boolean
}
export type DaemonDebug = z.infer<typeof debugShape>

/** What a protocol 2 daemon posts to a notify address. Taken = answered 2xx after the commit. */
export interface News {
  protocol: 2
  daemonId: string
  server: string
  /** Oldest first. Records that only progressed come last, newest version only. */
  records: RunRecord[]
  /** rids that run now: their heartbeat. */
  running: string[]
}

/** News as it came: records that cannot be used are set aside, bad parts of others are left out, and the rest counts. */
export const newsSchema = z
  .object({
    protocol: z.literal(2),
    daemonId: name,
    server: ipv4,
    records: z.array(z.unknown()).max(1000),
    running: z.array(z.unknown()).max(10_000),
  })
  .transform(({ records, running, ...sender }): News & Omit<SortedRecords, 'good'> => {
    const { good, ...flaws } = readRecords(records)
    return { ...sender, records: good, running: parseEach(rid, running).good, ...flaws }
  })

/** `GET /api/v1/backup/json?protocol=2&namespace=IP&after=NAME&limit=N`: by name, `next` = the last one where more follow. */
export const backupPageSchema = tolerantPage('backups', tolerantBackup(), {
  next: name.nullable(),
  /** Why series of snapshots are missing: the repository could not be read. */
  unread: words.optional(),
})
export type BackupPage = z.infer<typeof backupPageSchema>

/** Names of one folder that are listed at once: what the recorded routes, which know no pages, tell of it at most. */
export const MAX_FILES = 200_000

/** `GET /api/v1/backup/files/NAME?namespace=IP&path=P&after=PATH&limit=N`: the entries directly in P, by path. */
export const filePageSchema = tolerantPage('files', fileInfoSchema, { next: z.string().nullable() })
export type FilePage = z.infer<typeof filePageSchema>

/** `GET /api/v1/backup/namespaces`: the servers that have a folder in the daemon's store, dead ones too. */
export const namespacesSchema = tolerantPage('namespaces', z.union([ipv4, z.ipv6()]), {})

/** `GET /api/v1/backup/unknown?namespace=IP`: names in the folder that are no part of a backup, the first of them named. */
export const unknownObjectsSchema = z.object({ count, names: wordList })
export type UnknownObjects = z.infer<typeof unknownObjectsSchema>

export const runAnswerSchema = z.object({ rid })

/** What a controller asks of `GET /api/v1/backup/files/NAME`. */
export interface FilesRequest {
  namespace: string
  name: string
  path: string
  /** Of an increment; the newest one where none is named. */
  snapshot?: string | null
  after: string | null
  limit: number
}

/** What a controller asks of `GET /api/v1/backup/snapshots/NAME`. */
export interface SnapshotsRequest {
  namespace: string
  name: string
  after: string | null
  limit: number
}

/** What a controller asks of `POST /api/v1/backup/snapshots/NAME/actions/delete`. */
export interface SnapshotNames {
  namespace: string
  name: string
  snapshots: string[]
}

export const deletedSnapshotsSchema = z.object({ deletedSnapshots: z.array(name) })

/** What a controller asks of `GET /api/v1/backup/diff/NAME`. */
export interface DiffRequest extends SnapshotsRequest {
  from: string
  to: string
}

/** What a controller asks of `GET /api/v1/backup/history/NAME`. */
export interface HistoryRequest {
  namespace: string
  name: string
  path: string
  after: string | null
}

/** What a controller asks of the recover routes. */
export interface RecoverRequest {
  rid: string
  namespace: string
  name: string
  mode: 'full' | 'increment'
  destDir: string
  app: string
  proc: string
  /** null swaps the whole content. */
  files: string[] | null
  snapshot: string | null
  inUse: 'refuse' | 'proceed'
  onRefusedRename?: 'refuse' | 'in-place'
  /** Only tell what would be done. */
  plan?: boolean
}

/** One that cannot be read is shown as corrupt: what is left out of a list would be taken for gone. */
function tolerantBackup(): z.ZodType<BackupInfo> {
  return z.unknown().transform((value, context) => {
    const backup = readBackup(value)
    if (backup) return backup
    context.issues.push({
      code: 'custom',
      message: 'expected a backup with a server and a name',
      input: value,
    })
    return z.NEVER
  })
}
