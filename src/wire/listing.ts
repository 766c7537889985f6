import type { RecordState } from './record.ts'

export interface Page {
  first: number
  /** The opaque cursor after which the page begins. */
  after?: string | undefined
}

export interface Slice<T> {
  items: { cursor: string; node: T }[]
  hasNextPage: boolean
  totalCount: number
}

/** All fields must match, of a list any value. `proc`: the full name. `from` (included), `to` (excluded): ISO 8601. */
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

/** Like RecordFilter. */
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
