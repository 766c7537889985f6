import type { SessionStore, StoredSession } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { Session } from './generated/client.ts'
import { parseGrants } from './parse-grants.ts'
import type { WriteQueue } from './write-queue.ts'

export function createSessionStore(db: CatalogDb, writes: WriteQueue): SessionStore {
  const write = (work: () => Promise<unknown>) =>
    writes.run(
      async () => void (await work()),
      () => NO_CHANGE,
    )
  return {
    all: async () => (await db.session.findMany({ orderBy: { createdAt: 'asc' } })).flatMap(parseSession),
    add: ({ grants, ...session }) =>
      write(() => db.session.create({ data: { ...session, grants: JSON.stringify(grants) } })),
    remove: (ids) =>
      write(async () => {
        for (const id of ids) await db.session.deleteMany({ where: { id } })
      }),
    removeAll: () => write(() => db.session.deleteMany()),
    noteUses: (uses) =>
      write(async () => {
        for (const { id, at } of uses)
          await db.session.updateMany({ where: { id }, data: { lastUsedAt: at } })
      }),
  }
}

/** A session of a kind that this version does not know has ended. */
function parseSession({ by, grants, ...session }: Session): StoredSession[] {
  if (by !== 'token' && by !== 'link') return []
  return [{ ...session, by, grants: parseGrants(grants) }]
}
