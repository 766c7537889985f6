import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Row } from '../row.ts'

/** Tables of something else than records, and those with a row for each job; what is left is what a record takes. */
const OTHERS =
  /^(RecordEvent|RecordDay|Job|LastGood|Backup|Server|Audit|Meta|Tombstone|_prisma|sqlite_(schema|master|sequence|stat))/

interface Tree {
  name: string
  table: string
  bytes: number
}

export const recordSizeRow: Row = {
  name: 'record-size',
  title: 'a record in the catalog, with its indexes, bytes',
  target: '1000',
  async measure(world) {
    await world.stopController()
    const database = new Database(join(world.dataDir('controller'), 'catalog.db'), { readonly: true })
    try {
      const trees = database
        .prepare<[], Tree>(
          `SELECT dbstat.name, tbl_name AS "table", SUM(pgsize) AS bytes FROM dbstat('main')
           JOIN sqlite_schema ON sqlite_schema.name = dbstat.name GROUP BY 1 ORDER BY 3 DESC`,
        )
        .all()
      const count = database.prepare<[], number>('SELECT COUNT(*) FROM Record').pluck().get() ?? 0
      report(trees, count)
      const own = trees.filter(({ table }) => !OTHERS.test(table))
      return own.reduce((sum, { bytes }) => sum + bytes, 0) / count
    } finally {
      database.close()
    }
  },
}

function report(trees: Tree[], records: number): void {
  const each = trees.slice(0, 12).map(({ name, bytes }) => `${name} ${(bytes / records).toFixed(0)}`)
  console.error(`  ${records} records; bytes for each: ${each.join(', ')}`)
}
