import { ipv4 } from './fields.ts'

/** Limits of the changes of state in one post of a daemon: their number, and the characters of their JSON. */
export const NEWS_BATCH = { records: 100, length: 512 * 1024 } as const

/** What a post of news is about. */
export interface NewsHead {
  server: string
  /** The runs that it names: those that changed, and those that run. */
  rids: readonly string[]
  /** How many records it has. */
  records: number
}

/** The limits of newsSchema; the rest of a longer list is not looked at. */
const MAX_RECORDS = 1000
const MAX_RUNNING = 10_000

/**
 * Reads the head of news that nobody has checked, at little cost. Undefined if it names no server by its IPv4 address:
 * such news is not valid.
 */
export function readNewsHead(body: object): NewsHead | undefined {
  const { server, records, running } = body as Partial<Record<'server' | 'records' | 'running', unknown>>
  if (typeof server !== 'string' || !ipv4.safeParse(server).success) return undefined
  const changed = takeList(records, MAX_RECORDS).map((record) => Object(record).rid as unknown)
  const rids = [...changed, ...takeList(running, MAX_RUNNING)].filter((rid) => typeof rid === 'string')
  return { server, rids, records: changed.length }
}

function takeList(value: unknown, limit: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, limit) : []
}
