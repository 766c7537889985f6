import type { ObjectLock } from '../../driver.ts'

/** Metadata of each object: the id of the writer that made it, and whether it stands for an unfinished one. */
const WRITER = 'backupd-writer'
const UNFINISHED = 'backupd-unfinished'

export interface StoredObject {
  size: number
  modifiedMs: number
  etag: string
  /** Undefined if another program made it. */
  writer: string | undefined
  isUnfinished: boolean
  /** Undefined if nothing keeps it from being deleted. */
  lock: ObjectLock | undefined
}

/** Who makes an object, and whether it stands for an unfinished one. */
export interface WriterMark {
  writer: string
  isUnfinished?: boolean
}

export function makeMetadata({ writer, isUnfinished = false }: WriterMark): Record<string, string> {
  return { [WRITER]: writer, ...(isUnfinished && { [UNFINISHED]: 'true' }) }
}

interface ObjectHead {
  ContentLength?: number
  LastModified?: Date
  ETag?: string
  Metadata?: Record<string, string>
  ObjectLockRetainUntilDate?: Date
  ObjectLockLegalHoldStatus?: string
}

export function readHead(head: ObjectHead): StoredObject {
  const { ContentLength, LastModified, ETag, Metadata } = head
  return {
    size: ContentLength ?? 0,
    modifiedMs: LastModified?.getTime() ?? 0,
    etag: ETag ?? '',
    writer: Metadata?.[WRITER],
    isUnfinished: Metadata?.[UNFINISHED] !== undefined,
    lock: readLock(head),
  }
}

function readLock({ ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold }: ObjectHead) {
  if (hold === 'ON') return { until: null }
  return until && until.getTime() > Date.now() ? { until: until.toISOString() } : undefined
}
