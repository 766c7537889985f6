import { z } from 'zod'
import type { StoredToken, TokenStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { Token } from './generated/client.ts'
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

const grantsSchema = z.array(
  z.object({
    role: z.enum(['viewer', 'operator', 'restorer', 'admin']),
    apps: z.array(z.string()).nullable(),
  }),
)

/** A token whose roles cannot be read may do nothing. */
function parseToken({ grants, ...token }: Token): StoredToken {
  const parsed = grantsSchema.safeParse(parseOrNothing(grants))
  return { ...token, grants: parsed.success ? parsed.data : [] }
}

function parseOrNothing(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
