import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql'
import { getJob } from '../domain/jobs.ts'
import type { RecordEvent as DomainEvent } from '../domain/record-events.ts'
import { cancelRecord, findRecords, getRecord } from '../domain/records.ts'
import { checkSince, watchRecords } from '../domain/watch-records.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { optionalText, toPage, toRecordFilter } from './filters.ts'
import { toBackup, toConnection, toJob, toRecord, toServer } from './mapper.ts'
import { Backup } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { RecordConnection } from './types/connections.ts'
import { RecordFilter } from './types/inputs.ts'
import { Job } from './types/job.ts'
import { BackupResult, Record, RecordEvent } from './types/record.ts'
import { Server } from './types/server.ts'

interface WatchArgs {
  rid?: string | null
  app?: string | null
  since?: number | null
}

@Resolver(() => Record)
export class RecordResolver {
  @Query(() => RecordConnection, { description: 'Newest first.' })
  async records(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20 }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
    @Arg('filter', () => RecordFilter, { nullable: true }) filter?: RecordFilter,
  ): Promise<Connection<Record>> {
    const slice = await findRecords(world, toRecordFilter(world, filter), toPage(first ?? 20, after))
    return toConnection(slice, (record) => toRecord(world, record))
  }

  @Query(() => Record, { nullable: true })
  async record(@Ctx() { world }: Context, @Arg('rid', () => ID) rid: string): Promise<Record | null> {
    const record = await getRecord(world, rid)
    return record ? toRecord(world, record) : null
  }

  @Mutation(() => Record)
  async cancelRecord(@Ctx() { world, who }: Context, @Arg('rid', () => ID) rid: string): Promise<Record> {
    return toRecord(world, orThrow(await cancelRecord(world, who, rid)))
  }

  @Subscription(() => RecordEvent, {
    description:
      'First how things stand, then every change, numbered; `since` fills the gap after a lost connection.',
    subscribe: async ({ args, context: { world } }: { args: WatchArgs; context: Context }) => {
      const { rid = null, app = null, since = null } = args
      if (since !== null) await checkSince(world, since)
      return watchRecords(world, {
        rid: optionalText('rid', rid),
        app: optionalText('app', app),
        since: since ?? undefined,
      })
    },
  })
  recordUpdated(
    @Ctx() { world }: Context,
    @Root() { seq, kind, record }: DomainEvent,
    @Arg('rid', () => ID, { nullable: true }) _rid?: string,
    @Arg('app', () => ID, { nullable: true }) _app?: string,
    @Arg('since', () => Int, { nullable: true, description: 'The last `seq` seen.' }) _since?: number,
  ): RecordEvent {
    return { seq, kind, record: toRecord(world, record) }
  }

  @FieldResolver(() => Job, { nullable: true })
  job(@Ctx() { world }: Context, @Root() { jobId }: Record): Job | null {
    const view = jobId === null ? undefined : getJob(world, jobId)
    return view ? toJob(view) : null
  }

  @FieldResolver(() => Server)
  server(@Ctx() { world }: Context, @Root() { serverIp }: Record): Server {
    return toServer(world, serverIp)
  }
}

@Resolver(() => BackupResult)
export class BackupResultResolver {
  @FieldResolver(() => Backup, { nullable: true })
  backup(@Ctx() { world }: Context, @Root() { backupInfo }: BackupResult): Backup | null {
    return backupInfo && toBackup(world, backupInfo)
  }
}
