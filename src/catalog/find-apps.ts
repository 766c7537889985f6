import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'

/** The apps in a table whose name begins so, sorted: found one after the other in the index, whatever the rows. */
export async function findApps(
  db: CatalogDb,
  table: 'Record' | 'Backup',
  { prefix, limit }: { prefix: string; limit: number },
): Promise<string[]> {
  const name = Prisma.raw(`"${table}"`)
  const begins = Prisma.sql`substr(a."app", 1, length(${prefix})) = ${prefix}`
  const rows = await db.$queryRaw<{ app: string }[]>`
    WITH RECURSIVE a("app") AS (
      SELECT min("app") FROM ${name} WHERE "app" >= ${prefix}
      UNION ALL SELECT (SELECT min(n."app") FROM ${name} n WHERE n."app" > a."app") FROM a WHERE ${begins}
      LIMIT ${limit + 1})
    SELECT "app" FROM a WHERE ${begins} LIMIT ${limit}`
  return rows.map(({ app }) => app)
}
