import { z } from 'zod'
import { backupInfoSchema, fileInfoSchema } from './backup.ts'
import { recordSchema } from './record.ts'

/** The dialect of ours; an original daemon has none. docs/protocol.md describes every message. */
export const PROTOCOL = 2

/** `GET /api/v1/debug`. Without `protocol` the daemon is an original. */
export const debugSchema = z.object({
  crond_status: z.enum(['started', 'stopped']),
  running_tasks: z.number().int(),
  startTime: z.string(),
  /** NEVER (`0001-01-01T00:00:00Z`) until a list of jobs came since the start. */
  updateTime: z.string(),
  goroutines: z.number().int().optional(),
  mem_stats: z.record(z.string(), z.unknown()).optional(),
  protocol: z.number().int().optional(),
  capabilities: z.array(z.string()).optional(),
  /** Made once per data directory. */
  daemonId: z.string().optional(),
  ip: z.string().optional(),
  version: z.string().optional(),
  /** Running records, so that a controller can tell a silent one from a lost one. */
  running: z.array(z.string()).optional(),
  /** What an operator must see to, a sentence each. */
  problems: z.array(z.string()).optional(),
  /** Its wall clock (unix ms), the boot id of its machine, and whether it differs too much from the trusted time. */
  clock: z.object({ now: z.number(), boot: z.string(), inDoubt: z.boolean() }).optional(),
  /** Of schedules that name none. */
  timeZone: z.string().optional(),
  store: z
    .object({
      driver: z.string(),
      freeBytes: z.number().nullable(),
      totalBytes: z.number().nullable(),
      /** What was deleted and still takes room. */
      trashBytes: z.number().nullable().optional(),
      /** The narrowest quota on the store. */
      quota: z.object({ usedBytes: z.number(), limitBytes: z.number() }).nullable().optional(),
      error: z.string().nullable(),
    })
    .optional(),
})
export type DaemonDebug = z.infer<typeof debugSchema>

/** What a protocol 2 daemon posts to a notify address. Taken = answered 2xx after the commit. */
export const newsSchema = z.object({
  protocol: z.literal(2),
  daemonId: z.string(),
  server: z.string(),
  /** Oldest first. Records that only progressed come last, newest version only. */
  records: z.array(recordSchema).max(1000),
  /** rids that run now: their heartbeat. */
  running: z.array(z.string()),
})
export type News = z.infer<typeof newsSchema>

/** `GET /api/v1/backup/json?protocol=2&namespace=IP&after=NAME&limit=N`: by name, `next` = the last one where more follow. */
export const backupPageSchema = z.object({
  backups: z.array(backupInfoSchema),
  next: z.string().nullable(),
  /** Why series of snapshots are missing: the repository could not be read. */
  unread: z.string().optional(),
})
export type BackupPage = z.infer<typeof backupPageSchema>

/** Names of one folder that are listed at once: what the recorded routes, which know no pages, tell of it at most. */
export const MOST_FILES = 200_000

/** `GET /api/v1/backup/files/NAME?namespace=IP&path=P&after=PATH&limit=N`: the entries directly in P, by path. */
export const filePageSchema = z.object({ files: z.array(fileInfoSchema), next: z.string().nullable() })
export type FilePage = z.infer<typeof filePageSchema>

/** `GET /api/v1/backup/namespaces`: the servers that have a folder in the daemon's store, dead ones too. */
export const namespacesSchema = z.object({ namespaces: z.array(z.string()) })

/** `GET /api/v1/backup/unknown?namespace=IP`: names in the folder that are no part of a backup, the first of them named. */
export const unknownObjectsSchema = z.object({ count: z.number().int(), names: z.array(z.string()) })
export type UnknownObjects = z.infer<typeof unknownObjectsSchema>

export const runAnswerSchema = z.object({ rid: z.string() })

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

export const deletedSnapshotsSchema = z.object({ deletedSnapshots: z.array(z.string()) })

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
  /** Only tell what would be done. */
  plan?: boolean
}
