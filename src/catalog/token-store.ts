import type { StoredToken, TokenStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { Token } from './generated/client.ts'
import { parseGrants } from './parse-grants.ts'
import type { WriteQueue } from './write-queue.ts'

export function createTokenStore(db: CatalogDb, writes: WriteQueue): TokenStore {
  const write = <T>(work: () => Promise<T>) => writes.run(work, () => NO_CHANGE)
  return {
    all: async () => (await db.token.findMany({ orderBy: { createdAt: 'asc' } })).map(parseToken),
    add: ({ grants, ...token }) =>
      write(async () => {
        await db.token.create({ data: { ...token, grants: JSON.stringify(grants) } })
      }),
    remove: (id) =>
      write(async () => {
        await db.token.deleteMany({ where: { id } })
      }),
    noteUses: (uses) =>
      write(async () => {
        for (const { id, at } of uses) await db.token.updateMany({ where: { id }, data: { lastUsedAt: at } })
      }),
  }
}

function parseToken({ grants, ...token }: Token): StoredToken {
  return { ...token, grants: parseGrants(grants) }
}
