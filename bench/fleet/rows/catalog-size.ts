import Database from 'better-sqlite3'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

/** The tables that grow with each of these. */
const TABLES = {
  record: /^Record(Body)?$/,
  change: /^RecordEvent$/,
  job: /^(Job.+|LastGood)$/,
  backup: /^Backup$/,
} as const

type Grown = keyof typeof TABLES

const COUNTS: Record<Grown, string> = {
  record: 'SELECT COUNT(*) FROM Record',
  change: 'SELECT COUNT(*) FROM RecordEvent',
  job: `SELECT COUNT(DISTINCT jobId) FROM Record WHERE jobId != ''`,
  backup: 'SELECT COUNT(*) FROM Backup',
}

interface Table {
  name: string
  /** With its indexes. */
  bytes: number
}

const SIZES = `SELECT tbl_name AS name, SUM(pgsize) AS bytes FROM dbstat('main')
  JOIN sqlite_schema ON sqlite_schema.name = dbstat.name GROUP BY 1 ORDER BY 2 DESC`

/** @returns the bytes of each record, change, job and backup in the catalog of the controller, which ends */
async function weigh(world: World): Promise<Record<Grown, number>> {
  const { catalog } = await world.controller()
  await world.stopController()
  const database = new Database(catalog, { readonly: true })
  try {
    const tables = database.prepare<[], Table>(SIZES).all()
    report(tables)
    const weighOne = (grown: Grown) => {
      const own = tables.filter(({ name }) => TABLES[grown].test(name))
      const count = database.prepare<[], number>(COUNTS[grown]).pluck().get() ?? 0
      return own.reduce((sum, { bytes }) => sum + bytes, 0) / count
    }
    return {
      record: weighOne('record'),
      change: weighOne('change'),
      job: weighOne('job'),
      backup: weighOne('backup'),
    }
  } finally {
    database.close()
  }
}

function report(tables: Table[]): void {
  const each = tables.map(({ name, bytes }) => `${name} ${(bytes / 1024 / 1024).toFixed(1)}`)
  console.error(`  the catalog has, in MiB with indexes: ${each.join(', ')}`)
}

export const catalogSizeRows: Row[] = [
  {
    name: 'record-size',
    title: 'a record in the catalog, with its indexes, bytes',
    target: '1000',
    measure: async (world) => (await world.once(weigh)).record,
  },
  {
    name: 'job-size',
    title: '  a job that has run, bytes',
    target: '',
    measure: async (world) => (await world.once(weigh)).job,
  },
  {
    name: 'backup-size',
    title: '  a backup, bytes',
    target: '',
    measure: async (world) => (await world.once(weigh)).backup,
  },
  {
    name: 'change-size',
    title: '  a change of state, bytes',
    target: '',
    measure: async (world) => (await world.once(weigh)).change,
  },
]
