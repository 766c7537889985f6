import { Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { deleteBackups, planDeleteBackups } from '../domain/delete-backups.ts'
import { deleteSnapshots, planDeleteSnapshots } from '../domain/delete-snapshots.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { toDeletePlan } from './delete-plan-mapper.ts'
import { optionalText } from './filters.ts'
import {
  DeleteBackupsArgs,
  DeleteBackupsPlanArgs,
  DeleteSnapshotsArgs,
  DeleteSnapshotsPlanArgs,
  type NamedSnapshotsArgs,
} from './types/delete-arguments.ts'
import { DeletePlan } from './types/delete-plan.ts'

@Resolver(() => DeletePlan)
export class DeleteResolver {
  @Query(() => DeletePlan, { description: 'What `deleteBackups` with the same arguments would do now.' })
  async deleteBackupsPlan(
    @Ctx() { world }: Context,
    @Args(() => DeleteBackupsPlanArgs) { now, ...named }: DeleteBackupsPlanArgs,
  ): Promise<DeletePlan> {
    const request = { ...named, server: optionalText('server', named.server), isFinal: now === true }
    return toDeletePlan(orThrow(await planDeleteBackups(world, request)))
  }

  @Query(() => DeletePlan, { description: 'What `deleteSnapshots` with the same arguments would do now.' })
  async deleteSnapshotsPlan(
    @Ctx() { world }: Context,
    @Args(() => DeleteSnapshotsPlanArgs) { now, ...named }: DeleteSnapshotsPlanArgs,
  ): Promise<DeletePlan> {
    const request = { ...toNamedSnapshots(named), isFinal: now === true }
    return toDeletePlan(orThrow(await planDeleteSnapshots(world, request)))
  }

  @Mutation(() => [ID], {
    description:
      'Deletes backups. If one of them may not be deleted, none is. They can be restored for a while (restoreDeleted), except for mirrors. Returns the deleted names.',
  })
  async deleteBackups(
    @Ctx() { world, isOwnDocument }: Context,
    @Args(() => DeleteBackupsArgs) { server, now, allowFinal, planHash, ...named }: DeleteBackupsArgs,
  ): Promise<string[]> {
    const how = { isFinal: now === true, allowsFinal: allowFinal === true }
    // Only legacy URLs have documents of our own that delete.
    const plan = { planHash: planHash ?? undefined, needsNoPlan: isOwnDocument === true }
    return orThrow(await deleteBackups(world, { ...named, server: server ?? undefined, ...how, ...plan }))
  }

  @Mutation(() => [ID], {
    description:
      'Deletes single snapshots of an increment, which can be restored for a while (restoreDeleted). Then the next prune frees their room. Returns the deleted ids.',
  })
  async deleteSnapshots(
    @Ctx() { world }: Context,
    @Args(() => DeleteSnapshotsArgs) { now, planHash, ...named }: DeleteSnapshotsArgs,
  ): Promise<string[]> {
    const how = { isFinal: now === true, planHash: planHash ?? undefined }
    return orThrow(await deleteSnapshots(world, { ...toNamedSnapshots(named), ...how }))
  }
}

function toNamedSnapshots({ app, proc, backup: name, server, snapshots }: NamedSnapshotsArgs) {
  return { backup: { app, proc, name, server: server ?? undefined }, snapshots }
}
