import { z } from 'zod'
import type { Notification, NotificationFilter, NotificationStore } from '../domain/notify-ports.ts'
import { encodeCursor, parseRowCursor } from '../wire/cursor.ts'
import { MAX_COUNT } from '../wire/listing.ts'
import { alarmSchema } from './alarm-json.ts'
import { insertRows } from './bulk-rows.ts'
import { NOTIFICATION_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { DbTransaction } from './database.ts'
import type { Prisma } from './generated/client.ts'
import type { CatalogWorld } from './world.ts'

type NotificationWorld = Pick<CatalogWorld, 'db' | 'writes' | 'log'>

/** Those that do not wait any more; the oldest go first. */
const MAX_KEPT = 10_000
const MAX_WAITING = 100_000

export function createNotificationStore(world: NotificationWorld): NotificationStore {
  const { db, writes } = world
  return {
    async loadWaiting() {
      const where = { state: 'WAITING' }
      const rows = await db.notification.findMany({ where, orderBy: { seq: 'asc' }, take: MAX_WAITING })
      return rows.flatMap(({ json }) => parseNotification(world, json))
    },
    save: (notifications) =>
      writes.run(
        () => db.$transaction((transaction) => saveNotifications(transaction, notifications)),
        () => NO_CHANGE,
      ),
    async find(filter, page) {
      const after = parseRowCursor('notification', page)
      const where = { ...toWhere(filter), ...(after !== undefined && { seq: { lt: after } }) }
      const rows = await db.notification.findMany({ where, orderBy: { seq: 'desc' }, take: page.first + 1 })
      const items = rows.slice(0, page.first).flatMap(({ seq, json }) =>
        parseNotification(world, json).map((node) => ({
          cursor: encodeCursor('notification', String(seq)),
          node,
        })),
      )
      return { items, hasNextPage: rows.length > page.first }
    },
    count: async (filter) =>
      (await db.notification.findMany({ where: toWhere(filter), take: MAX_COUNT + 1, select: { seq: true } }))
        .length,
  }
}

function toWhere({ sink, states }: NotificationFilter): Prisma.NotificationWhereInput {
  return { ...(sink !== undefined && { sink }), ...(states && { state: { in: states } }) }
}

/** Call it in a transaction. */
export async function saveNotifications(
  transaction: DbTransaction,
  notifications: readonly Notification[],
): Promise<void> {
  if (notifications.length === 0) return
  const rows = notifications.map((one) => ({ ...one, json: JSON.stringify(one) }))
  await insertRows(transaction, NOTIFICATION_TABLE, rows)
  const { notification } = transaction
  const where = { state: { not: 'WAITING' } }
  const first = await notification.findFirst({ where, orderBy: { seq: 'desc' }, skip: MAX_KEPT })
  if (first) await notification.deleteMany({ where: { ...where, seq: { lte: first.seq } } })
}

const notificationSchema = z.object({
  ...{ id: z.string(), sink: z.string(), createdAt: z.number(), heldUntil: z.number() },
  event: z.enum(['RAISED', 'WORSE', 'UNACKNOWLEDGED', 'CLEARED', 'TEST']),
  state: z.enum(['WAITING', 'SENT', 'FAILED', 'DROPPED']),
  alarm: alarmSchema.nullable(),
  ...{ attempts: z.number(), attemptedAt: z.number().nullable(), answer: z.string().nullable() },
})

function parseNotification({ log }: NotificationWorld, json: string): Notification[] {
  try {
    return [notificationSchema.parse(JSON.parse(json)) as Notification]
  } catch (error) {
    log.error({ err: error }, 'A notification of the catalog cannot be read')
    return []
  }
}
