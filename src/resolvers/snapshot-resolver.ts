import { Arg, Ctx, FieldResolver, ID, Int, Resolver, Root } from 'type-graphql'
import { diffSnapshots, getSnapshot, listSnapshots, readFileHistory } from '../domain/snapshots.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import type { Context } from './context.ts'
import { optionalText, toPage } from './filters.ts'
import { toChanges, toSnapshot, toVersions } from './snapshot-mapper.ts'
import { Backup } from './types/backup.ts'
import type { Connection } from './types/connection.ts'
import { FileChangeConnection, FileVersionConnection } from './types/connections.ts'
import { type FileChange, type FileVersion, Snapshot } from './types/snapshot.ts'

const AFTER_SNAPSHOT = { nullable: true, description: 'Continues after the snapshot with this id.' }
const TO = { nullable: true, description: 'The later snapshot; the newest if left out.' }

@Resolver(() => Backup)
export class SnapshotResolver {
  @FieldResolver(() => [Snapshot], {
    description: 'The snapshots of an increment, newest first; empty for a full backup.',
  })
  async snapshots(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('first', () => Int, pageSize(100)) first?: number,
    @Arg('after', () => ID, AFTER_SNAPSHOT) after?: string,
  ): Promise<Snapshot[]> {
    const page = toPage(first ?? 100, after)
    return (await listSnapshots(world, info, page)).map((snapshot) => toSnapshot(world, snapshot))
  }

  @FieldResolver(() => Snapshot, {
    nullable: true,
    description: 'One snapshot, by its id or its first digits; null if it does not exist.',
  })
  async snapshot(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('id', () => ID) id: string,
  ): Promise<Snapshot | null> {
    const found = await getSnapshot(world, info, id)
    return found ? toSnapshot(world, found) : null
  }

  @FieldResolver(() => FileChangeConnection, {
    description: 'What differs between two snapshots of an increment, sorted by path.',
  })
  async diff(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('from', () => ID) from: string,
    @Arg('first', () => Int, pageSize(100)) first?: number,
    @Arg('to', () => ID, TO) to?: string,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<FileChange>> {
    const page = toPage(first ?? 100, after)
    optionalText('from', from)
    const question = { from, to: optionalText('to', to), after: page.after ?? null, limit: page.first }
    return toChanges(orThrow(await diffSnapshots(world, info, question)), info)
  }

  @FieldResolver(() => FileVersionConnection, {
    description: 'The snapshots of an increment in which one path changed, newest first.',
  })
  async history(
    @Ctx() { world }: Context,
    @Root() { info }: Backup,
    @Arg('path', () => String) path: string,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<FileVersion>> {
    const page = toPage(first ?? 50, after)
    const question = { path, after: page.after ?? null, limit: page.first }
    return toVersions(orThrow(await readFileHistory(world, info, question)), info)
  }
}
