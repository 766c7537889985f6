import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import { acknowledgeUnusual } from '../domain/acknowledge-unusual.ts'
import { isRefused } from '../domain/answer.ts'
import { countBackups, findBackups, listFiles, locateBackup } from '../domain/backups.ts'
import { drillBackup } from '../domain/drill-backup.ts'
import { dropKeptOld, undoRecover } from '../domain/kept-old.ts'
import { migrate, recover } from '../domain/recover.ts'
import { recoverElsewhere } from '../domain/recover-elsewhere.ts'
import { verifyBackup } from '../domain/verify-backup.ts'
import { hasSnapshots } from '../wire/backup.ts'
import { MAX_FILES } from '../wire/daemon-api.ts'
import { orThrow } from './answer.ts'
import { AFTER, DRILLED, PROC, pageSize, SERVER } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { InUse } from './enums/recover-enums.ts'
import { toFiles } from './file-mapper.ts'
import { optionalText, toBackupFilter, toPage } from './filters.ts'
import { toBackup, toRecord, toServer } from './mapper.ts'
import { parseKeepOld, toMigrateOptions, toRecoverOptions } from './recover-options.ts'
import { Backup, type File } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { BackupConnection, FileConnection } from './types/connections.ts'
import { BackupFilter, MigrateInput, RecoverInput } from './types/inputs.ts'
import { Record } from './types/record.ts'
import { Server } from './types/server.ts'

const PATH = { nullable: true, description: 'A directory in the backup; the top if left out.' }
const SNAPSHOT = {
  nullable: true,
  description:
    'A snapshot of an increment: its id, or its first digits. The newest if left out, even if it is suspect.',
}

const UNDO_KEEP = {
  nullable: true,
  description: 'How long what the undo replaces is kept; `24h` if left out.',
}
const UNDO_PLAN = {
  nullable: true,
  defaultValue: false,
  description: 'Changes nothing: the record shows in `result.plan` what the undo would do.',
}
const UNDO_HASH = {
  nullable: true,
  description:
    'The `planHash` of such a plan. If the undo would now do something else, it fails with `PLAN_STALE`.',
}

@Resolver(() => Backup)
export class BackupResolver {
  @Query(() => BackupConnection, { description: 'Backups, newest first.' })
  async backups(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => BackupFilter, { nullable: true }) filter?: BackupFilter,
  ): Promise<Connection<Backup>> {
    const wanted = toBackupFilter(world, filter)
    const slice = await findBackups(world, wanted, toPage(first ?? 50, after))
    return toConnection(
      slice,
      (backup) => toBackup(world, backup),
      () => countBackups(world, wanted),
    )
  }

  @Query(() => Backup, { nullable: true, description: 'One backup; null if it does not exist.' })
  async backup(
    @Ctx() { world }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID, PROC) proc: string,
    @Arg('name', () => ID) name: string,
    @Arg('server', () => ID, SERVER) server?: string,
  ): Promise<Backup | null> {
    const found = await locateBackup(world, { app, proc, name, server: server ?? undefined })
    return isRefused(found) && found.refused === 'NOT_FOUND' ? null : toBackup(world, orThrow(found))
  }

  @Mutation(() => Record, {
    description: 'Restores a backup to the volume it was made of, or into a new folder.',
  })
  async recover(
    @Ctx() { world }: Context,
    @Arg('input', () => RecoverInput) input: RecoverInput,
  ): Promise<Record> {
    const { toDirectory, ...options } = toRecoverOptions(input)
    const started =
      toDirectory === undefined
        ? recover(world, options)
        : recoverElsewhere(world, { ...options, toDirectory })
    return toRecord(world, orThrow(await started))
  }

  @Mutation(() => Record, {
    description: 'Restores a backup into a volume of another instance of the same proc.',
  })
  async migrate(
    @Ctx() { world }: Context,
    @Arg('input', () => MigrateInput) input: MigrateInput,
  ): Promise<Record> {
    return toRecord(world, orThrow(await migrate(world, toMigrateOptions(input))))
  }

  @Mutation(() => Record, {
    description:
      'Puts back what a recover with `keepOld` replaced, and keeps what this replaces. `rid` is the recover, or the undo of one.',
  })
  async undoRecover(
    @Ctx() { world }: Context,
    @Arg('rid', () => ID) rid: string,
    @Arg('inUse', () => InUse, { nullable: true, defaultValue: InUse.REFUSE }) inUse?: InUse,
    @Arg('keepOld', () => String, UNDO_KEEP) keepOld?: string,
    @Arg('plan', () => Boolean, UNDO_PLAN) plan?: boolean,
    @Arg('planHash', () => String, UNDO_HASH) planHash?: string,
  ): Promise<Record> {
    const keepOldMs = parseKeepOld(keepOld)
    const options = {
      rid,
      inUse: inUse ?? 'refuse',
      keepOldMs,
      plan: plan ?? false,
      planHash: planHash ?? undefined,
    }
    return toRecord(world, orThrow(await undoRecover(world, options)))
  }

  @Mutation(() => Record, {
    description:
      'Removes what a recover replaced and kept, before it expires. It cannot be put back any more.',
  })
  async dropKeptOld(@Ctx() { world }: Context, @Arg('rid', () => ID) rid: string): Promise<Record> {
    return toRecord(world, orThrow(await dropKeptOld(world, rid)))
  }

  @Mutation(() => Record, {
    description:
      'Reads a backup and compares it with its checksums. Damage is noted in the store, and so is the proof that there is none.',
  })
  async verifyBackup(
    @Ctx() { world }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID, PROC) proc: string,
    @Arg('name', () => ID) name: string,
    @Arg('server', () => ID, SERVER) server?: string,
  ): Promise<Record> {
    const backup = { app, proc, name, server: server ?? undefined }
    return toRecord(world, orThrow(await verifyBackup(world, backup)))
  }

  @Mutation(() => Record, {
    description:
      'Restores a backup into a scratch folder under the `--drill-dir` of its daemon, compares each entry with its index or tree, and removes it again. The proof is noted in the store. Legacy backups, which have no index, cannot be drilled.',
  })
  async drillBackup(
    @Ctx() { world }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID, PROC) proc: string,
    @Arg('name', () => ID) name: string,
    @Arg('server', () => ID, SERVER) server?: string,
    @Arg('snapshot', () => ID, DRILLED) snapshot?: string,
  ): Promise<Record> {
    const backup = { app, proc, name, server: server ?? undefined }
    return toRecord(world, orThrow(await drillBackup(world, backup, snapshot ?? '')))
  }

  @Mutation(() => [Backup], {
    description:
      'Acknowledges that runs of a volume were unusual: what is kept from before them may expire again. Names any backup of the volume and mode; returns those that were kept.',
  })
  async acknowledgeUnusual(
    @Ctx() { world }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID, PROC) proc: string,
    @Arg('name', () => ID) name: string,
    @Arg('server', () => ID, SERVER) server?: string,
  ): Promise<Backup[]> {
    const backup = { app, proc, name, server: server ?? undefined }
    return orThrow(await acknowledgeUnusual(world, backup)).map((info) => toBackup(world, info))
  }

  @FieldResolver(() => Server, { description: 'The server in whose folder of the store it lies.' })
  server(@Ctx() { world }: Context, @Root() { info }: Backup): Server {
    return toServer(world, info.server)
  }

  @FieldResolver(() => FileConnection, {
    description: 'The entries directly below `path`, sorted by path. Of an increment: those of `snapshot`.',
  })
  async files(
    @Ctx() { world, isOwnDocument }: Context,
    @Root() { info }: Backup,
    @Arg('path', () => String, PATH) path?: string,
    @Arg('snapshot', () => ID, SNAPSHOT) snapshot?: string,
    @Arg('first', () => Int, pageSize(100)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<File>> {
    const page = toPage(first ?? 100, after, isOwnDocument ? MAX_FILES : undefined)
    const found = await listFiles(world, info, {
      path: path ?? '',
      snapshot: optionalText('snapshot', snapshot) ?? null,
      after: page.after ?? null,
      limit: page.first,
    })
    // A backup without snapshots has one state only; which one a daemon means that does not name its snapshot is not known.
    const isBound = !hasSnapshots(info) || found.snapshot !== undefined
    const origin = isBound ? { backup: info, snapshot: found.snapshot ?? null } : undefined
    return toFiles(found, origin, after == null)
  }
}
