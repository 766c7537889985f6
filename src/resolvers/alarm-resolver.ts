import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql'
import type { AlarmEvent as DomainEvent } from '../domain/alarms/alarm.ts'
import { acknowledgeAlarm, countAlarms, findAlarms } from '../domain/alarms.ts'
import { checkAlarmsSince, watchAlarms } from '../domain/watch-alarms.ts'
import { toAlarm } from './alarm-mapper.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { toAlarmFilter, toPage } from './filters.ts'
import { toServer } from './mapper.ts'
import { DateTime } from './scalars.ts'
import { Alarm, AlarmEvent, AlarmTarget } from './types/alarm.ts'
import type { Connection } from './types/connection.ts'
import { AlarmConnection } from './types/connections.ts'
import { AlarmFilter } from './types/inputs.ts'
import { Server } from './types/server.ts'

const SINCE = {
  nullable: true,
  description: 'The highest `seq` that you have seen: sends the changes after it instead of the open alarms.',
}
const UNTIL = { description: 'When the acknowledgement ends on its own.' }
const WHY = { description: 'Why nobody else has to act: 1 to 500 characters.' }

@Resolver(() => Alarm)
export class AlarmResolver {
  @Query(() => AlarmConnection, {
    description: 'Alarms, the newest first: all open ones, and the last 5000 that were cleared.',
  })
  alarms(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => AlarmFilter, { nullable: true }) filter?: AlarmFilter,
  ): Connection<Alarm> {
    const wanted = toAlarmFilter(filter)
    const slice = findAlarms(world, wanted, toPage(first ?? 50, after))
    return toConnection(
      slice,
      (alarm) => toAlarm(world, alarm),
      () => countAlarms(world, wanted),
    )
  }

  @Mutation(() => Alarm, {
    description:
      'Notes that somebody takes care of an open alarm. It ends at `until`, or if the alarm becomes worse.',
  })
  async acknowledgeAlarm(
    @Ctx() { world }: Context,
    @Arg('id', () => ID) id: string,
    @Arg('until', () => DateTime, UNTIL) until: Date,
    @Arg('why', () => String, WHY) why: string,
  ): Promise<Alarm> {
    const request = { id, until: until.getTime(), why }
    return toAlarm(world, orThrow(await acknowledgeAlarm(world, request)))
  }

  @Subscription(() => AlarmEvent, {
    description:
      'First the open alarms, then every change, numbered. After a lost connection, `since` fills the gap.',
    subscribe: async ({ args, context: { world, onBehind } }: { args: WatchArgs; context: Context }) => {
      const since = args.since ?? undefined
      if (since !== undefined) await checkAlarmsSince(world, since)
      return watchAlarms(world, { since, onBehind })
    },
  })
  // Computed once for all subscribers of an event who may see the same: it must not depend on their arguments.
  alarmUpdated(
    @Ctx() { world }: Context,
    @Root() { seq, kind, alarm }: DomainEvent,
    @Arg('since', () => Int, SINCE) _since?: number,
  ): AlarmEvent {
    return { seq, kind, alarm: toAlarm(world, alarm) }
  }
}

interface WatchArgs {
  since?: number | null
}

@Resolver(() => AlarmTarget)
export class AlarmTargetResolver {
  @FieldResolver(() => Server, {
    nullable: true,
    description: 'The server, also that of the volume; null if it is about several, or the controller.',
  })
  server(@Ctx() { world }: Context, @Root() { serverIp }: AlarmTarget): Server | null {
    return serverIp === null ? null : toServer(world, serverIp)
  }
}
