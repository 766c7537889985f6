import { Arg, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql'
import { countNotifications, findNotifications, testNotification } from '../domain/notifications.ts'
import { toNotification } from './alarm-mapper.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { toNotificationFilter, toPage } from './filters.ts'
import type { Connection } from './types/connection.ts'
import { NotificationConnection } from './types/connections.ts'
import { NotificationFilter } from './types/inputs.ts'
import { Notification } from './types/notification.ts'

@Resolver()
export class NotificationResolver {
  @Query(() => NotificationConnection, {
    description:
      'What is, was or will be sent about alarms, the newest first: all that wait, and the last 10000 others.',
  })
  async notifications(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => NotificationFilter, { nullable: true }) filter?: NotificationFilter,
  ): Promise<Connection<Notification>> {
    const wanted = toNotificationFilter(filter)
    const slice = orThrow(await findNotifications(world, wanted, toPage(first ?? 50, after)))
    return toConnection(
      slice,
      (one) => toNotification(world, one),
      () => countNotifications(world, wanted),
    )
  }

  @Mutation(() => Notification, {
    description: 'Sends a test to a sink of the settings; `notifications` then has what it answered.',
  })
  async testNotification(
    @Ctx() { world }: Context,
    @Arg('sink', () => String, { description: 'The name of the sink.' }) sink: string,
  ): Promise<Notification> {
    return toNotification(world, orThrow(await testNotification(world, sink)))
  }
}
