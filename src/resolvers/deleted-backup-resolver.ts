import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql'
import { listDeleted, restoreDeleted } from '../domain/deleted-backups.ts'
import { type HiddenBackup, MAX_DELETED_PAGE } from '../wire/hidden.ts'
import { orThrow } from './answer.ts'
import { AFTER, PROC, pageSize } from './arguments.ts'
import type { Context } from './context.ts'
import { optionalText, toPage } from './filters.ts'
import { DeletedBackup, DeletedBackupPage } from './types/deleted-backup.ts'

const ONLY_SNAPSHOTS = {
  nullable: true,
  description:
    'Only these snapshots of the one increment that is named; all that is deleted of it if left out.',
}
const ONLY_APP = { nullable: true, description: 'Only backups of this app.' }

@Resolver(() => DeletedBackup)
export class DeletedBackupResolver {
  @Query(() => DeletedBackupPage, {
    description:
      'The deleted backups and snapshots in the folder of a server that can be restored. A page may be empty although more follow.',
  })
  async deletedBackups(
    @Ctx() { world }: Context,
    @Arg('server', () => ID, { description: 'The server in whose folder they lie.' }) server: string,
    @Arg('app', () => ID, ONLY_APP) app?: string,
    @Arg('first', () => Int, pageSize(MAX_DELETED_PAGE)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<DeletedBackupPage> {
    const page = toPage(first ?? MAX_DELETED_PAGE, after, MAX_DELETED_PAGE)
    const question = { server, app: optionalText('app', app), after: page.after ?? null, limit: page.first }
    const { hidden, next } = orThrow(await listDeleted(world, question))
    return { nodes: hidden.map(toDeletedBackup), next }
  }

  @Mutation(() => [ID], {
    description: 'Restores deleted backups. If one of them cannot be restored, none is. Returns their names.',
  })
  async restoreDeleted(
    @Ctx() { world }: Context,
    @Arg('app', () => ID) app: string,
    @Arg('proc', () => ID, PROC) proc: string,
    @Arg('names', () => [ID]) names: string[],
    @Arg('server', () => ID, { description: 'The server in whose folder they lie.' }) server: string,
    @Arg('snapshots', () => [ID], ONLY_SNAPSHOTS) snapshots?: string[],
  ): Promise<string[]> {
    const request = { app, proc, names, server, snapshots: snapshots ?? undefined }
    const restored = orThrow(await restoreDeleted(world, request))
    return restored.map(({ name }) => name)
  }
}

function toDeletedBackup({ backup, mark, snapshot }: HiddenBackup): DeletedBackup {
  const { name, app, proc, server, created, size } = backup
  const { at = null, by = null, until = null } = mark ?? {}
  return { name, snapshot: snapshot ?? null, app, proc, server, created, size, at, by, until }
}
