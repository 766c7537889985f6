import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import { getApp } from '../domain/apps.ts'
import { countJobs, findJobs, getJob, listJobs, runJob, sleepJob, wakeJob } from '../domain/jobs.ts'
import { readJobHealth } from '../domain/volume-health.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { toJobFilter, toPage } from './filters.ts'
import { toBackupHooks } from './hook-mapper.ts'
import { inTurns, type Listed } from './in-turns.ts'
import { toApp, toJob, toRecord, toServer } from './mapper.ts'
import { App } from './types/app.ts'
import type { Connection } from './types/connection.ts'
import { JobConnection } from './types/connections.ts'
import { VolumeHealth } from './types/health.ts'
import { Hook } from './types/hook.ts'
import { JobFilter } from './types/inputs.ts'
import { Job } from './types/job.ts'
import { Record } from './types/record.ts'
import { Server } from './types/server.ts'

const OF_APP = { nullable: true, description: 'Refuses the request if the job belongs to another app.' }
const REREAD = {
  nullable: true,
  description: 'An increment reads every file, whatever its timestamps say. A full backup always does.',
}

@Resolver(() => Job)
export class JobResolver {
  @Query(() => [Job], { description: 'Jobs of the inventory, the expire jobs of the servers included.' })
  jobs(
    @Ctx() { world }: Context,
    @Arg('filter', () => JobFilter, { nullable: true }) filter?: JobFilter,
  ): Listed<Job> {
    return inTurns(listJobs(world, toJobFilter(filter)).map(toJob))
  }

  @Query(() => JobConnection, { description: 'The same jobs in pages, sorted by id.' })
  jobConnection(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => JobFilter, { nullable: true }) filter?: JobFilter,
  ): Connection<Job> {
    const wanted = toJobFilter(filter)
    const slice = findJobs(world, wanted, toPage(first ?? 50, after))
    return toConnection(slice, toJob, () => countJobs(world, wanted))
  }

  @Query(() => Job, { nullable: true, description: 'One job; null if it does not exist.' })
  job(@Ctx() { world }: Context, @Arg('id', () => ID) id: string): Job | null {
    const view = getJob(world, id)
    return view ? toJob(view) : null
  }

  @Mutation(() => Record, {
    description: 'Runs a job now, in addition to its schedule. Answers when the daemon has accepted it.',
  })
  async runJob(
    @Ctx() { world }: Context,
    @Arg('id', () => ID) id: string,
    @Arg('app', () => ID, OF_APP) app?: string,
    @Arg('reread', () => Boolean, REREAD) reread?: boolean,
  ): Promise<Record> {
    const request = { id, app: app ?? undefined, reread: reread ?? false }
    return toRecord(world, orThrow(await runJob(world, request)))
  }

  @Mutation(() => Job, { description: 'Stops the schedule of a job until `wakeJob`.' })
  async sleepJob(
    @Ctx() { world }: Context,
    @Arg('id', () => ID) id: string,
    @Arg('app', () => ID, OF_APP) app?: string,
  ): Promise<Job> {
    return toJob(orThrow(await sleepJob(world, { id, app: app ?? undefined })))
  }

  @Mutation(() => Job, { description: 'Resumes the schedule of a job.' })
  async wakeJob(
    @Ctx() { world }: Context,
    @Arg('id', () => ID) id: string,
    @Arg('app', () => ID, OF_APP) app?: string,
  ): Promise<Job> {
    return toJob(orThrow(await wakeJob(world, { id, app: app ?? undefined })))
  }

  @FieldResolver(() => App, {
    nullable: true,
    description: 'The app of its volume; `backupctl` for expire jobs.',
  })
  app(@Ctx() { world }: Context, @Root() { appName }: Job): App {
    return toApp(getApp(world, appName) ?? { name: appName, procs: [] })
  }

  @FieldResolver(() => [Hook], { description: 'The programs that run around its backups, in order.' })
  hooks(@Root() { args, writtenHooks }: Job): Hook[] {
    return toBackupHooks(args, writtenHooks)
  }

  @FieldResolver(() => Server, { description: 'The server that runs it.' })
  server(@Ctx() { world }: Context, @Root() { serverIp }: Job): Server {
    return toServer(world, serverIp)
  }

  @FieldResolver(() => VolumeHealth, {
    nullable: true,
    description:
      'Whether the backups of this job alone are as its schedule asks for; null for an expire job.',
  })
  health(@Ctx() { world }: Context, @Root() { id }: Job): VolumeHealth | null {
    return readJobHealth(world, id)
  }

  @FieldResolver(() => Record, { nullable: true, description: 'Its newest run; null if there was none.' })
  async lastRecord(@Ctx() { world, loaders }: Context, @Root() { id }: Job): Promise<Record | null> {
    const record = await loaders.lastRecord.load(id)
    return record && toRecord(world, record)
  }
}
