import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Resolver, Root } from 'type-graphql'
import {
  deleteSnapshots,
  diffSnapshots,
  fileHistory,
  getSnapshot,
  listSnapshots,
} from '../domain/snapshots.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { optionalText, toPage } from './filters.ts'
import { toChanges, toSnapshot, toVersions } from './snapshot-mapper.ts'
import { Backup } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { FileChangeConnection, FileVersionConnection } from './types/connections.ts'
import { type FileChange, type FileVersion, Snapshot } from './types/snapshot.ts'

@Resolver(() => Backup)
export class SnapshotResolver {
  @FieldResolver(() => [Snapshot], {
    description: 'Of an increment, newest first; none of a full backup. `after` is the id of one.',
  })
  async snapshots(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('first', () => Int, { nullable: true, defaultValue: 100 }) first?: number,
    @Arg('after', () => ID, { nullable: true }) after?: string,
  ): Promise<Snapshot[]> {
    const page = toPage(first ?? 100, after)
    return (await listSnapshots(world, info, page)).map(toSnapshot)
  }

  @FieldResolver(() => Snapshot, { nullable: true, description: 'By its id, or the beginning of it.' })
  async snapshot(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('id', () => ID) id: string,
  ): Promise<Snapshot | null> {
    const found = await getSnapshot(world, info, id)
    return found ? toSnapshot(found) : null
  }

  @FieldResolver(() => FileChangeConnection, {
    description: 'What differs between two snapshots of an increment; without `to` up to the newest.',
  })
  async diff(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('from', () => ID) from: string,
    @Arg('first', () => Int, { nullable: true, defaultValue: 100 }) first?: number,
    @Arg('to', () => ID, { nullable: true }) to?: string,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<FileChange>> {
    const page = toPage(first ?? 100, after)
    optionalText('from', from)
    const question = { from, to: optionalText('to', to), after: page.after ?? null, limit: page.first }
    return toChanges(orThrow(await diffSnapshots(world, info, question)))
  }

  @FieldResolver(() => FileVersionConnection, {
    description: 'One path through all snapshots of an increment, newest first: where it changed.',
  })
  async history(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('path', () => String) path: string,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50 }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<FileVersion>> {
    const page = toPage(first ?? 50, after)
    const question = { path, after: page.after ?? null, limit: page.first }
    return toVersions(orThrow(await fileHistory(world, info, question)))
  }

  @Mutation(() => [ID], {
    description: 'Deletes single snapshots of an increment; their room comes back with the next prune.',
  })
  async deleteSnapshots(
    @Ctx() { world, who }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID) proc: string,
    @Arg('backup', () => ID) name: string,
    @Arg('snapshots', () => [ID]) snapshots: string[],
    @Arg('server', () => ID, { nullable: true }) server?: string,
  ): Promise<string[]> {
    const backup = { app, proc, name, server: server ?? undefined }
    return orThrow(await deleteSnapshots(world, who, { backup, snapshots }))
  }
}
