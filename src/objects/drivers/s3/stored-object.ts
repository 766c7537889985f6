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
}

export function readHead({ ContentLength, LastModified, ETag, Metadata }: ObjectHead): StoredObject {
  return {
    size: ContentLength ?? 0,
    modifiedMs: LastModified?.getTime() ?? 0,
    etag: ETag ?? '',
    writer: Metadata?.[WRITER],
    isUnfinished: Metadata?.[UNFINISHED] !== undefined,
  }
}
