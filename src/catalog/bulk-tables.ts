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
