import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql'
import { getApp, listApps, listPlannedVolumes } from '../domain/apps.ts'
import { countBackups, findBackups } from '../domain/backups.ts'
import { getJob } from '../domain/jobs.ts'
import { findKeptOld } from '../domain/kept-old.ts'
import { MAX_DAYS, readVolumeDays } from '../domain/volume-days.ts'
import { readVolumeHealth } from '../domain/volume-health.ts'
import { countVolumes, findVolumes, findWorstVolumes } from '../domain/volumes.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { VolumeOrder } from './enums/health-enums.ts'
import { optionalText, toPage, toVolumeFilter } from './filters.ts'
import { toRecoverHooks } from './hook-mapper.ts'
import { inTurns, type Listed } from './in-turns.ts'
import { toApp, toBackup, toInstance, toJob, toProc, toServer, toVolume } from './mapper.ts'
import { App, Instance, KeptOld, Proc, Volume } from './types/app.ts'
import { Backup } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { BackupConnection, VolumeConnection } from './types/connections.ts'
import { VolumeDay, VolumeHealth } from './types/health.ts'
import { Hook } from './types/hook.ts'
import { VolumeFilter } from './types/inputs.ts'
import { Job } from './types/job.ts'
import { Server } from './types/server.ts'

@Resolver(() => App)
export class AppResolver {
  @Query(() => [App], { description: 'The apps of the inventory, sorted by name.' })
  apps(@Ctx() { world }: Context): Listed<App> {
    return inTurns(listApps(world).map(toApp))
  }

  @Query(() => App, { nullable: true, description: 'One app; null if the inventory does not have it.' })
  app(@Ctx() { world }: Context, @Arg('name', () => ID) name: string): App | null {
    const app = getApp(world, name)
    return app ? toApp(app) : null
  }

  @FieldResolver(() => [Proc], { description: 'The procs of the app that have volumes.' })
  procs(@Root() { name, source }: App): Listed<Proc> {
    return inTurns(source.map((proc) => toProc(name, proc)))
  }
}

@Resolver(() => Proc)
export class ProcResolver {
  @FieldResolver(() => [Instance], { description: 'Its instances.' })
  instances(@Root() proc: Proc): Listed<Instance> {
    return inTurns(proc.source.map((instance) => toInstance(proc, instance)))
  }
}

@Resolver(() => Instance)
export class InstanceResolver {
  @FieldResolver(() => Server, { description: 'The server that the instance runs on.' })
  server(@Ctx() { world }: Context, @Root() { source }: Instance): Server {
    return toServer(world, source.server)
  }

  @FieldResolver(() => [Volume], {
    description: 'Its volumes, without those that were left out: see `inventory.faults`.',
  })
  volumes(@Ctx() { world }: Context, @Root() { app, proc, source }: Instance): Listed<Volume> {
    return inTurns(listPlannedVolumes(world, { app, proc, instance: source }).map(toVolume))
  }
}

const DAYS = { nullable: true, defaultValue: 30, description: `How many days: 1 to ${MAX_DAYS}.` }
const ZONE = {
  nullable: true,
  description: 'The zone in which a day begins: `Europe/Berlin`. If left out: that of the daemon.',
}
const ORDER = {
  nullable: true,
  defaultValue: VolumeOrder.PLACE,
  description: 'A cursor belongs to one order.',
}

@Resolver(() => Volume)
export class VolumeResolver {
  @Query(() => VolumeConnection, {
    description: 'Volumes, sorted by app, proc, instance and name, or the worst ones first.',
  })
  volumes(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => VolumeFilter, { nullable: true }) filter?: VolumeFilter,
    @Arg('order', () => VolumeOrder, ORDER) order?: VolumeOrder,
  ): Connection<Volume> {
    const wanted = toVolumeFilter(filter)
    const find = order === VolumeOrder.WORST_FIRST ? findWorstVolumes : findVolumes
    const slice = find(world, wanted, toPage(first ?? 50, after))
    return toConnection(slice, toVolume, () => countVolumes(world, wanted))
  }

  @FieldResolver(() => Server, { description: 'The server that it lies on.' })
  server(@Ctx() { world }: Context, @Root() { source }: Volume): Server {
    return toServer(world, source.server)
  }

  @FieldResolver(() => [Hook], { description: 'The programs that run around recovers into it, in order.' })
  recoverHooks(@Root() { source }: Volume): Hook[] {
    return toRecoverHooks(source.recoverHooks)
  }

  @FieldResolver(() => KeptOld, {
    nullable: true,
    description:
      'What a recover of it replaced and kept (`keepOld`), as its daemon last said; null if nothing.',
  })
  keptOld(@Ctx() { world }: Context, @Root() { source }: Volume): KeptOld | null {
    return findKeptOld(world, source) ?? null
  }

  @FieldResolver(() => VolumeHealth, { description: 'Whether its backups are as its schedules ask for.' })
  health(@Ctx() { world }: Context, @Root() { source }: Volume): VolumeHealth {
    return readVolumeHealth(world, source)
  }

  @FieldResolver(() => [VolumeDay], {
    description:
      'How its runs of the last `n` days ended, oldest first, and which planned runs did not come.',
  })
  days(
    @Ctx() { world }: Context,
    @Root() { source }: Volume,
    @Arg('n', () => Int, DAYS) n?: number,
    @Arg('zone', () => String, ZONE) zone?: string,
  ): Promise<VolumeDay[]> {
    return readVolumeDays(world, source, { count: n ?? 30, zone: optionalText('zone', zone) })
  }

  @FieldResolver(() => [Job], { description: 'The schedules of its backups.' })
  jobs(@Ctx() { world }: Context, @Root() { source }: Volume): Job[] {
    const views = source.jobs.map(({ id }) => getJob(world, id)).filter((view) => view !== undefined)
    return views.map(toJob)
  }

  @FieldResolver(() => Backup, {
    nullable: true,
    description: 'Its newest backup that is complete, not corrupt and not suspect; null if there is none.',
  })
  async lastGood(@Ctx() { world, loaders }: Context, @Root() { source }: Volume): Promise<Backup | null> {
    const backup = await loaders.lastGood.load({ server: source.server, source: source.path })
    return backup && toBackup(world, backup)
  }

  @FieldResolver(() => BackupConnection, { description: 'Its backups, newest first.' })
  async backups(
    @Ctx() { world }: Context,
    @Root() { source }: Volume,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<Backup>> {
    const { app, proc, instanceNo, name } = source
    const filter = { app, proc, instanceNo, volumes: [name] }
    const slice = await findBackups(world, filter, toPage(first ?? 50, after))
    return toConnection(
      slice,
      (backup) => toBackup(world, backup),
      () => countBackups(world, filter),
    )
  }
}
