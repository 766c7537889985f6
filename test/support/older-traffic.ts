import { readFileSync } from 'node:fs'
import type { News } from '../../src/wire/daemon-api.ts'

/**
 * One exchange between an older controller and the older daemon of 127.0.0.1 (test/fixtures/older-version/README.md).
 */
export interface OlderExchange {
  from: 'controller' | 'daemon'
  method: string
  path: string
  type?: string
  body: string
  status: number
  answer: string
}

export const SERVER = '127.0.0.1'
/** The folder of the recorded volumes. */
export const VOLUMES = '/tmp/backupd-recorded'

const file = new URL('../fixtures/older-version/traffic.json', import.meta.url)

export function olderTraffic(): OlderExchange[] {
  return JSON.parse(readFileSync(file, 'utf8')) as OlderExchange[]
}

export function newsIn(exchanges: OlderExchange[]): News[] {
  return exchanges.filter(({ from }) => from === 'daemon').map(({ body }) => JSON.parse(body) as News)
}

/** The last record that the older daemon sent of each ended run. */
export function listEndedRuns(exchanges: OlderExchange[]) {
  const records = newsIn(exchanges).flatMap((news) => news.records)
  return new Map(records.filter(({ end }) => end !== null).map((record) => [record.rid, record]))
}

/** The rid that a request for a run names. */
export function readRequestedRid({ body }: OlderExchange): string {
  return new URLSearchParams(body).get('rid') ?? ''
}

/**
 * What a reader of `before` would miss in `after`: paths of fields that do not exist or have another type. null stands
 * for an unknown value; of lists of objects, only the first ones are compared.
 */
export function missing(before: unknown, after: unknown, path = ''): string[] {
  if (before === null || after === null) return after === undefined ? [path] : []
  if (Array.isArray(before) && Array.isArray(after))
    return typeof before[0] === 'object' ? missing(before[0], after[0], `${path}[0]`) : []
  if (kindOf(before) !== kindOf(after)) return [`${path}: ${kindOf(after)}, was ${kindOf(before)}`]
  if (typeof before !== 'object') return []
  return Object.entries(before).flatMap(([name, value]) =>
    missing(value, (after as Record<string, unknown>)[name], `${path}.${name}`),
  )
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value
}
