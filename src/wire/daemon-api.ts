// The messages between controller and daemon: requests, answers and news. docs/protocol.md describes every message.
// src/wire holds these types and the rules that both programs must apply alike; daemon/, engine/, domain/, catalog/ and
// fleet/ use it. It contains the behaviour of neither program and may import only lib.

import { z } from 'zod'
import { type BackupInfo, backupInfoSchema, fileInfoSchema } from './backup.ts'
import { MAX_AUTHORITIES } from './enrolment.ts'
import { bigCount, count, ipv4, jsonObject, measure, moment, name, rid, wordList, words } from './fields.ts'
import { deletedRoomSchema } from './hidden.ts'
import type { SentHooks } from './hook-options.ts'
import { type JobTimes, jobTimesSchema } from './job.ts'
import { keptOldSchema } from './kept-old.ts'
import type { Signers } from './manifest-signature.ts'
import type { RunRecord } from './record.ts'
import { readBackup } from './repair-backup.ts'
import { readRecords, type SortedRecords } from './repair-record.ts'
import { parseEach, tolerantObject, tolerantPage } from './tolerant.ts'
import { verifyDemandSchema } from './verify-schedule.ts'

/** The version of our protocol; a legacy daemon reports none. */
export const PROTOCOL = 2

/** `GET /api/v1/debug`. Without `protocol`, it is a legacy daemon. */
const debugShape = z.object({
  crond_status: z.enum(['started', 'stopped']),
  running_tasks: count,
  startTime: moment,
  /** NEVER (`0001-01-01T00:00:00Z`) until a list of jobs has arrived since the start. */
  updateTime: moment,
  goroutines: count.optional(),
  mem_stats: jsonObject.optional(),
  protocol: count.optional(),
  capabilities: wordList.optional(),
  /** The version of its jobs, as the controller named it; absent if it named none. */
  jobsVersion: name.optional(),
  /** Changes with everything that the list of jobs shows: jobs, times, sleep marks. */
  listVersion: name.optional(),
  /** What changed since the version of the list that the request named; absent if only the whole list shows that. */
  times: z.array(jobTimesSchema).optional(),
  /** Created once for each data directory. */
  daemonId: name.optional(),
  ip: name.optional(),
  version: words.optional(),
  /** rids of the present runs, so that a controller can distinguish silent runs from lost ones. */
  running: z.array(name).optional(),
  /** What an operator must fix, one sentence each. */
  problems: wordList.optional(),
  /** Its wall clock (unix ms), the boot id of its machine, and whether it differs too much from the trusted time. */
  clock: z.object({ now: measure, boot: name, inDoubt: z.boolean() }).optional(),
  /** How old the oldest news is that its controller does not have yet, ms; 0 if it has all. */
  newsWaitingMs: bigCount.optional(),
  /** The zone of schedules that name none. */
  timeZone: words.optional(),
  store: z
    .object({
      driver: words,
      /** Where it is, the same for all servers that share it; absent if the server has it alone. */
      place: words.optional(),
      freeBytes: bigCount.nullable(),
      totalBytes: bigCount.nullable(),
      /** Room taken by deleted files that are not freed yet. */
      trashBytes: bigCount.nullable().optional(),
      /** The tightest quota on the store. */
      quota: z.object({ usedBytes: bigCount, limitBytes: bigCount }).nullable().optional(),
      /** What was deleted in the own namespace and can still be restored. */
      deletedRoom: deletedRoomSchema.nullable().optional(),
      /** Whether it keeps what is deleted as versions; null if that is not known. */
      versions: z.boolean().nullable().optional(),
      error: words.nullable(),
    })
    .optional(),
  /** What it takes to keep all its backups proven; absent before its verify job first ran. */
  verify: verifyDemandSchema.optional(),
  /** Fingerprints of the authorities whose controllers an enrolled daemon answers; absent if it knows only one. */
  authorities: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(MAX_AUTHORITIES)
    .optional(),
  /** Since when it signs its full backups; absent if it does not. */
  signsSince: moment.optional(),
  /** The controller whose jobs it has; absent for a legacy controller. */
  controller: z.object({ id: name, url: words }).optional(),
  /** What recovers replaced and kept, at most MAX_KEPT_LISTED. */
  keptOld: z.array(keptOldSchema).optional(),
  /** Parts of the answer that could not be read and were left out. */
  setAside: wordList.optional(),
})
export const debugSchema = tolerantObject(debugShape)

/** Who sends a list of jobs. A daemon accepts lists of one controller only. */
export interface JobsSender {
  /** The same non-empty version means the same list. */
  version: string
  controller: { id: string; url: string }
  /** Whether to take the daemon over from another controller. */
  takeOver: boolean
}
export type DaemonDebug = z.infer<typeof debugShape>

/** What a protocol 2 daemon posts to a notify address. A 2xx answer means that it is committed. */
export interface News {
  protocol: 2
  daemonId: string
  server: string
  /** Oldest first. Mere progress comes last, only the newest version of each record. */
  records: RunRecord[]
  /** rids of the present runs, as their heartbeat. */
  running: string[]
  /** Of the jobs of `records`, as they are now. */
  times?: JobTimes[]
}

/** Hints, which must not keep the records of a post from being accepted: the rest of a longer list is not looked at. */
const [MAX_RUNNING, MAX_TIMES] = [10_000, 1000]

function firstOf(limit: number) {
  return z.array(z.unknown()).transform((list) => list.slice(0, limit))
}

/** Parses news: unusable records are set aside, invalid parts of others are left out, and the rest is accepted. */
export const newsSchema = z
  .object({
    protocol: z.literal(2),
    daemonId: name,
    server: ipv4,
    records: z.array(z.unknown()).max(1000),
    running: firstOf(MAX_RUNNING),
    times: firstOf(MAX_TIMES).catch([]),
  })
  .transform(({ records, running, times, ...sender }): News & Omit<SortedRecords, 'good'> => {
    const { good, setAside, mended } = readRecords(records)
    const read = parseEach(jobTimesSchema, times)
    const flaws = { setAside, mended: [...mended, ...read.setAside] }
    return { ...sender, records: good, running: parseEach(rid, running).good, times: read.good, ...flaws }
  })

/** `GET /api/v1/backup/json?protocol=2&namespace=IP&after=NAME&limit=N`: by name; `next`: null on the last page. */
export const backupPageSchema = tolerantPage('backups', tolerantBackup(), {
  next: name.nullable(),
  /** Why series of snapshots are missing, if the repository could not be read. */
  unread: words.optional(),
})
export type BackupPage = z.infer<typeof backupPageSchema>

/** Limit of names in one list of a folder. Large, because the legacy routes have no pages. */
export const MAX_FILES = 200_000

/** `GET /api/v1/backup/files/NAME?namespace=IP&path=P&after=PATH&limit=N`: the direct entries of P, by path. */
export const filePageSchema = tolerantPage('files', fileInfoSchema, {
  next: z.string().nullable(),
  /** Of an increment: the snapshot that they are from. Earlier versions did not say it. */
  snapshot: name.optional(),
})
export type FilePage = z.infer<typeof filePageSchema>

/** `GET /api/v1/backup/namespaces`: the servers that have a folder in the daemon's store, including dead ones. */
export const namespacesSchema = tolerantPage('namespaces', z.union([ipv4, z.ipv6()]), {})

/** `GET /api/v1/backup/unknown?namespace=IP`: how many objects there belong to no backup, and the first names. */
export const unknownObjectsSchema = z.object({ count, names: wordList })
export type UnknownObjects = z.infer<typeof unknownObjectsSchema>

export const runAnswerSchema = z.object({ rid })

/** Backups that are released or restored, as they are now. */
export const releasedBackupsSchema = z.object({ backups: z.array(backupInfoSchema) })

/** The names that existed. */
export const deletedBackupsSchema = z.object({ deleted: z.array(name) })

export const deletedSnapshotsSchema = z.object({ deletedSnapshots: z.array(name) })

/** The request of the recover routes. */
export interface RecoverRequest {
  rid: string
  namespace: string
  name: string
  mode: 'full' | 'increment'
  destDir: string
  app: string
  proc: string
  /** null replaces the whole content. */
  files: string[] | null
  snapshot: string | null
  inUse: 'refuse' | 'proceed'
  onRefusedRename?: 'refuse' | 'in-place'
  /** Only show what would be done. */
  plan?: boolean
  /** Refuse if the recover would do something else than this plan said. */
  planHash?: string
  /** `destDir` is a new folder under --recover-dir. */
  elsewhere?: boolean
  /** How long what is replaced is kept, ms. */
  keepOldMs?: number
  /** Recover it although it should be signed and is not, or was altered. */
  acceptUnsigned?: boolean
  /** Whose signatures count, for a daemon that cannot know it of another server. */
  signers?: Signers
  hooks?: SentHooks
}

/** Shows an unreadable backup as corrupt, because one missing from the list would count as deleted. */
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
