import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql'
import { getJob } from '../domain/jobs.ts'
import type { RecordEvent as DomainEvent } from '../domain/record-event.ts'
import { readRecordLog } from '../domain/record-log.ts'
import { cancelRecord, countRecords, findRecords, getRecord } from '../domain/records.ts'
import { seesApp } from '../domain/user-world.ts'
import { checkSince, watchRecords } from '../domain/watch-records.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection, toUncounted } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { optionalText, toPage, toRecordFilter } from './filters.ts'
import { toBackup, toJob, toRecord, toServer } from './mapper.ts'
import { Backup } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { LogLineConnection, RecordConnection } from './types/connections.ts'
import { RecordFilter } from './types/inputs.ts'
import { Job } from './types/job.ts'
import type { LogLine } from './types/log-line.ts'
import { BackupResult, Record, RecordEvent } from './types/record.ts'
import { Server } from './types/server.ts'

interface WatchArgs {
  rid?: string | null
  app?: string | null
  since?: number | null
}

const RID = { nullable: true, description: 'Only this run.' }
const APP = { nullable: true, description: 'Only runs of this app.' }
const SINCE = {
  nullable: true,
  description:
    'The highest `seq` that you have seen: sends the changes after it instead of the present records.',
}

@Resolver(() => Record)
export class RecordResolver {
  @Query(() => RecordConnection, { description: 'Runs, newest request first.' })
  async records(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(20)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => RecordFilter, { nullable: true }) filter?: RecordFilter,
  ): Promise<Connection<Record>> {
    const wanted = toRecordFilter(world, filter)
    const slice = await findRecords(world, wanted, toPage(first ?? 20, after))
    return toConnection(
      slice,
      (record) => toRecord(world, record),
      () => countRecords(world, wanted),
    )
  }

  @Query(() => Record, { nullable: true, description: 'One run; null if it does not exist.' })
  async record(@Ctx() { world }: Context, @Arg('rid', () => ID) rid: string): Promise<Record | null> {
    const record = await getRecord(world, rid)
    return record ? toRecord(world, record) : null
  }

  @Mutation(() => Record, {
    description: 'Ends a queued run at once, a running one a little later. Refused if it has ended.',
  })
  async cancelRecord(@Ctx() { world }: Context, @Arg('rid', () => ID) rid: string): Promise<Record> {
    return toRecord(world, orThrow(await cancelRecord(world, rid)))
  }

  @Subscription(() => RecordEvent, {
    description:
      'First the present records, then every change, numbered. After a lost connection, `since` fills the gap.',
    subscribe: async ({ args, context: { world, onBehind } }: { args: WatchArgs; context: Context }) => {
      const { rid = null, app = null, since = null } = args
      if (since !== null) await checkSince(world, since)
      return watchRecords(world, {
        rid: optionalText('rid', rid),
        app: optionalText('app', app),
        since: since ?? undefined,
        onBehind,
      })
    },
  })
  // Computed once for all subscribers of an event who may see the same: it must not depend on their arguments.
  recordUpdated(
    @Ctx() { world }: Context,
    @Root() { seq, kind, record }: DomainEvent,
    @Arg('rid', () => ID, RID) _rid?: string,
    @Arg('app', () => ID, APP) _app?: string,
    @Arg('since', () => Int, SINCE) _since?: number,
  ): RecordEvent {
    return { seq, kind, record: toRecord(world, record) }
  }

  @FieldResolver(() => Job, {
    nullable: true,
    description: 'The job; null for a one-off action, or if the inventory no longer has it.',
  })
  job(@Ctx() { world }: Context, @Root() { jobId }: Record): Job | null {
    const view = jobId === null ? undefined : getJob(world, jobId)
    return view ? toJob(view) : null
  }

  @FieldResolver(() => LogLineConnection, {
    nullable: true,
    description:
      'What the run said, oldest first: its begin and end, its warnings, and what its hooks wrote. Its daemon is asked for it, and keeps the first 500 and the last 1500 lines for 30 days.',
  })
  async log(
    @Ctx() { world }: Context,
    @Root() { rid, serverIp }: Record,
    @Arg('first', () => Int, pageSize(100)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<LogLine>> {
    const page = toPage(first ?? 100, after)
    return toUncounted(await readRecordLog(world, { rid, server: serverIp }, page), after == null)
  }

  @FieldResolver(() => Server, { description: 'The server that runs it.' })
  server(@Ctx() { world }: Context, @Root() { serverIp }: Record): Server {
    return toServer(world, serverIp)
  }
}

@Resolver(() => BackupResult)
export class BackupResultResolver {
  @FieldResolver(() => Backup, {
    nullable: true,
    description: 'The backup that was made; null for other actions.',
  })
  backup(@Ctx() { world }: Context, @Root() { backupInfo }: BackupResult): Backup | null {
    return backupInfo && seesApp(world, backupInfo.app) ? toBackup(world, backupInfo) : null
  }
}
