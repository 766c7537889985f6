import type { CorruptBackups } from '../domain/ports.ts'
import type { CatalogDb } from './database.ts'

/** How many corrupt backups of a namespace are named; the others are only counted. */
const MAX_LISTED = 3

/** The backups known to be corrupt, of one namespace or of all; a namespace without one is left out. */
export async function countCorrupt(db: CatalogDb, server?: string): Promise<CorruptBackups[]> {
  const where = { corrupt: { not: null }, ...(server !== undefined && { server }) }
  const groups = await db.backup.groupBy({ by: ['server'], where, _count: { name: true } })
  const found: CorruptBackups[] = []
  for (const group of groups) {
    const rows = await db.backup.findMany({
      where: { ...where, server: group.server },
      orderBy: { createdKey: 'desc' },
      take: MAX_LISTED,
      select: { name: true },
    })
    found.push({ server: group.server, count: group._count.name, names: rows.map(({ name }) => name) })
  }
  return found
}
