import type { Db } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

export interface KnownServer {
  ip: string
  daemonId: string | null
  /** ISO 8601 of its last word, null before the first. */
  lastSeen: string | null
  leaving: boolean
}

export interface ServerStore {
  all(): Promise<KnownServer[]>
  save(server: KnownServer): Promise<void>
  remove(ip: string): Promise<void>
}

export function createServerStore(db: Db, writes: WriteQueue): ServerStore {
  return {
    all: () => db.server.findMany({ orderBy: { ip: 'asc' } }),
    save: ({ ip, daemonId, lastSeen, leaving }) =>
      writes.run(async () => {
        const values = { daemonId, lastSeen, leaving }
        await db.server.upsert({ where: { ip }, create: { ip, ...values }, update: values })
      }),
    remove: (ip) => writes.run(async () => void (await db.server.deleteMany({ where: { ip } }))),
  }
}
