import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { FleetSize } from './inventory.ts'
import type { Manners } from './simulator/manners.ts'

export interface BenchOptions extends FleetSize {
  /** The built programs, each with the name of its column. */
  subjects: { name: string; main: string }[]
  /** Records in the catalog for the rows about history. */
  records: number
  /** Until all runs of midnight have ended, ms. */
  windowMs: number
  manners: Manners
  /** Of the controller; the daemons have the next one. */
  port: number
  /** Names of rows; all if it is empty. */
  rows: string[]
  check: boolean
}

export const USAGE = `node bench/fleet/main.ts [flags]; build first
  --servers N        simulated daemons (100)
  --jobs N           backup jobs of each (100)
  --main FILE        the built program to measure (dist/main.js)
  --before FILE      the built program of another tree, to compare with
  --records N        records in the catalog for the rows about history (1000000)
  --window SECONDS   until all runs of midnight have ended (60 for each 1,000 daemons, at least 6)
  --old-daemons      daemons do not know Retry-After, and do not report the version of their list of jobs
  --port N           of the controller, and the next one for the daemons (19420)
  --rows NAME,NAME   only these rows
  --check            only compare the simulated daemon with a real one`

/** The targets are stated for this many daemons, whose runs end within this time. */
const [FULL_FLEET, FULL_WINDOW_MS] = [1000, 60_000]
const MIN_WINDOW_MS = 6000

export function readOptions(argv: string[]): BenchOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      servers: { type: 'string', default: '100' },
      jobs: { type: 'string', default: '100' },
      main: { type: 'string', default: 'dist/main.js' },
      before: { type: 'string' },
      records: { type: 'string', default: '1000000' },
      window: { type: 'string' },
      'old-daemons': { type: 'boolean', default: false },
      port: { type: 'string', default: '19420' },
      rows: { type: 'string', default: '' },
      check: { type: 'boolean', default: false },
    },
  })
  const servers = Number(values.servers)
  const scaled = Math.max(MIN_WINDOW_MS, (FULL_WINDOW_MS * servers) / FULL_FLEET)
  const before = values.before === undefined ? [] : [{ name: 'before', main: resolve(values.before) }]
  return {
    servers,
    jobs: Number(values.jobs),
    subjects: [...before, { name: 'now', main: resolve(values.main) }],
    records: Number(values.records),
    windowMs: values.window === undefined ? scaled : Number(values.window) * 1000,
    manners: { obeysRetryAfter: !values['old-daemons'], reportsListVersion: !values['old-daemons'] },
    port: Number(values.port),
    rows: values.rows.split(',').filter((name) => name !== ''),
    check: values.check,
  }
}
