import type { RecordState } from './record.ts'

export interface Page {
  first: number
  /** An opaque cursor of an earlier page. */
  after?: string | undefined
}

export interface Slice<T> {
  items: { cursor: string; node: T }[]
  hasNextPage: boolean
  totalCount: number
}

/** Every field narrows; a list means any of. `proc` is the full name. Times are ISO 8601: `from` is included, `to` is not. */
export interface RecordFilter {
  app?: string
  proc?: string
  volumes?: string[]
  instanceNo?: number
  mode?: 'full' | 'increment'
  action?: string
  server?: string
  jobId?: string
  states?: RecordState[]
  from?: string
  to?: string
}

/** As RecordFilter. */
export interface BackupFilter {
  app?: string
  proc?: string
  volumes?: string[]
  instanceNo?: number
  mode?: 'full' | 'increment'
  server?: string
  names?: string[]
  from?: string
  to?: string
}
