import type { RecordState } from './record.ts'

export interface Page {
  first: number
  /** The opaque cursor after which the page begins. */
  after?: string | undefined
}

export interface Slice<T> {
  items: { cursor: string; node: T }[]
  hasNextPage: boolean
}

/** Lists are counted only up to here, because counting reads every item. */
export const MAX_COUNT = 10_000

/** The length of a list. If it is capped, the list has more than `count` items. */
export interface ListCount {
  count: number
  isCapped: boolean
}

/** Counts the items of a list in memory; stops above the limit. */
export function countMatches<T>(items: Iterable<T>, matches: (item: T) => boolean): ListCount {
  let found = 0
  for (const item of items) {
    if (matches(item)) found += 1
    if (found > MAX_COUNT) break
  }
  return capCount(found)
}

/** @param found the number of items, counted up to MAX_COUNT + 1 or further */
export function capCount(found: number): ListCount {
  return { count: Math.min(found, MAX_COUNT), isCapped: found > MAX_COUNT }
}

/** All fields must match, of a list any value. `proc`: the full name. `from` (included), `to` (excluded): ISO 8601. */
export interface RecordFilter {
  app?: string
  apps?: readonly string[]
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
  apps?: readonly string[]
  proc?: string
  volumes?: string[]
  instanceNo?: number
  mode?: 'full' | 'increment'
  server?: string
  names?: string[]
  from?: string
  to?: string
  /** Only those that something keeps, or may keep, because their manifest cannot be read. false: all. */
  held?: boolean
}
