import type { GoodDelete } from '../domain/delete-ports.ts'
import type { KnownServer } from '../domain/ports.ts'
import { type BulkTable, replaceColumns } from './bulk-rows.ts'
import type { Prisma } from './generated/client.ts'

const RECORD_COLUMNS = {
  rid: 'string',
  startKey: 'string',
  eventSeq: 'number',
  server: 'string',
  jobId: 'string',
  action: 'string',
  state: 'string',
  app: 'string',
  proc: 'string',
  volume: 'string',
  instanceNo: 'bigint',
  mode: 'string',
  json: 'string',
} as const

type RecordRow = Prisma.RecordCreateManyInput & { json: string }

/** A known record keeps its startKey, the time of its request, and so its position in lists. */
export const RECORD_TABLE: BulkTable<RecordRow> = {
  name: 'Record',
  columns: RECORD_COLUMNS,
  onConflict: replaceColumns(['rid'], ['eventSeq', 'state', 'json']),
}

/** For known records that differ in more than state and JSON, which costs a change of every index. */
export const MOVED_RECORD_TABLE: BulkTable<RecordRow> = {
  ...RECORD_TABLE,
  onConflict: replaceColumns(
    ['rid'],
    Object.keys(RECORD_COLUMNS).filter((column) => column !== 'rid' && column !== 'startKey'),
  ),
}

export const JOB_CONTENT_TABLE: BulkTable<{ jobId: string; json: string }> = {
  name: 'JobContent',
  columns: { jobId: 'string', json: 'string' },
}

export const EVENT_TABLE: BulkTable<Prisma.RecordEventCreateManyInput> = {
  name: 'RecordEvent',
  columns: { seq: 'number', rid: 'string', app: 'string', at: 'bigint', json: 'string' },
}

const BACKUP_COLUMNS = {
  server: 'string',
  name: 'string',
  createdKey: 'string',
  sequenceKey: 'string',
  good: 'boolean',
  mode: 'string',
  app: 'string',
  proc: 'string',
  volume: 'string',
  instanceNo: 'bigint',
  source: 'string',
  containers: 'string',
  size: 'bigint',
  created: 'string',
  sequence: 'bigint',
  rid: 'string',
  jobId: 'string',
  state: 'string',
  suspect: 'string',
  corrupt: 'string',
  verified: 'string',
  holds: 'string',
  sha256: 'string',
  hasIndex: 'boolean',
  files: 'bigint',
  bytes: 'bigint',
  durability: 'string',
  clockDoubt: 'string',
  changedWhileRead: 'string',
  proof: 'string',
  series: 'string',
  toldAt: 'string',
  touched: 'number',
} as const

export const BACKUP_TABLE: BulkTable<Prisma.BackupCreateManyInput> = {
  name: 'Backup',
  columns: BACKUP_COLUMNS,
  onConflict: replaceColumns(
    ['server', 'name'],
    Object.keys(BACKUP_COLUMNS).filter((column) => column !== 'server' && column !== 'name'),
  ),
}

export const TOMBSTONE_TABLE: BulkTable<Prisma.TombstoneCreateManyInput> = {
  name: 'Tombstone',
  columns: { server: 'string', name: 'string', at: 'bigint', touched: 'number' },
  onConflict: replaceColumns(['server', 'name'], ['at', 'touched']),
}

const GOOD_DELETE_COLUMNS = {
  server: 'string',
  name: 'string',
  snapshot: 'string',
  app: 'string',
  source: 'string',
  points: 'number',
  at: 'bigint',
} as const

export const DELETED_GOOD_TABLE: BulkTable<GoodDelete & { at: bigint }> = {
  name: 'DeletedGood',
  columns: GOOD_DELETE_COLUMNS,
  onConflict: replaceColumns(['server', 'name', 'snapshot'], ['points', 'at']),
}

export const JOB_HEALTH_TABLE: BulkTable<{
  jobId: string
  countedFrom: bigint
  pausedSince: bigint | null
  inherits: string | null
  standing: string
}> = {
  name: 'JobHealth',
  columns: {
    jobId: 'string',
    countedFrom: 'bigint',
    pausedSince: 'bigint',
    inherits: 'string',
    standing: 'string',
  },
  onConflict: replaceColumns(['jobId'], ['countedFrom', 'pausedSince', 'inherits', 'standing']),
}

const SERVER_COLUMNS = {
  ip: 'string',
  daemonId: 'string',
  lastSeen: 'string',
  leaving: 'boolean',
  timeZone: 'string',
} as const

export const SERVER_TABLE: BulkTable<KnownServer> = {
  name: 'Server',
  columns: SERVER_COLUMNS,
  onConflict: replaceColumns(['ip'], ['daemonId', 'lastSeen', 'leaving', 'timeZone']),
}

export const STORE_DAY_TABLE: BulkTable<{
  server: string
  day: string
  at: bigint
  usedBytes: bigint
  freeBytes: bigint
}> = {
  name: 'StoreDay',
  columns: { server: 'string', day: 'string', at: 'bigint', usedBytes: 'bigint', freeBytes: 'bigint' },
  onConflict: replaceColumns(['server', 'day'], ['at', 'usedBytes', 'freeBytes']),
}

/** A job has at most one open period, and a period that began is never changed but for its end. */
export const JOB_PERIOD_TABLE: BulkTable<{
  jobId: string
  begin: bigint
  spec: string
  zone: string | null
  app: string
  proc: string
  volume: string
  instanceNo: bigint
}> = {
  name: 'JobPeriod',
  columns: {
    jobId: 'string',
    begin: 'bigint',
    spec: 'string',
    zone: 'string',
    app: 'string',
    proc: 'string',
    volume: 'string',
    instanceNo: 'bigint',
  },
  onConflict: '("jobId", "begin") DO NOTHING',
}

export const ALARM_TABLE: BulkTable<Prisma.AlarmCreateManyInput> = {
  name: 'Alarm',
  columns: { id: 'string', seq: 'number', raisedSeq: 'number', clearedAt: 'bigint', json: 'string' },
  onConflict: replaceColumns(['id'], ['seq', 'clearedAt', 'json']),
}

export const ALARM_EVENT_TABLE: BulkTable<Prisma.AlarmEventCreateManyInput> = {
  name: 'AlarmEvent',
  columns: { seq: 'number', at: 'bigint', json: 'string' },
}

export const NOTIFICATION_TABLE: BulkTable<Omit<Prisma.NotificationCreateManyInput, 'seq'>> = {
  name: 'Notification',
  columns: { id: 'string', sink: 'string', state: 'string', json: 'string' },
  onConflict: replaceColumns(['id'], ['state', 'json']),
}
