import { ArgsType, Field, ID } from 'type-graphql'
import { PROC, SERVER } from '../arguments.ts'

const PLAN_HASH = {
  nullable: true,
  description:
    'The `planHash` of a plan of the same delete. If the delete would now take something else, it fails with `PLAN_STALE`. A delete of more than half of the good backups of a volume, or of a tenth of all, in one call or within an hour, needs it (`PLAN_NEEDED`).',
}

@ArgsType()
export class NamedBackupsArgs {
  @Field(() => ID)
  app!: string

  @Field(() => ID, PROC)
  proc!: string

  @Field(() => [ID])
  names!: string[]

  @Field(() => ID, SERVER)
  server?: string | null
}

@ArgsType()
export class DeleteBackupsArgs extends NamedBackupsArgs {
  @Field(() => String, PLAN_HASH)
  planHash?: string | null

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Frees the room at once: nobody can restore the backups. With `server`, also of backups that were deleted before.',
  })
  now?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Deletes for good where it cannot be undone, because the daemon is too old or the store is full. Otherwise that is refused, unless `now` is true.',
  })
  allowFinal?: boolean | null
}

@ArgsType()
export class DeleteBackupsPlanArgs extends NamedBackupsArgs {
  @Field(() => Boolean, {
    nullable: true,
    description: 'As of deleteBackups: with `server`, also of backups that were deleted before.',
  })
  now?: boolean | null
}

@ArgsType()
export class NamedSnapshotsArgs {
  @Field(() => ID)
  app!: string

  @Field(() => ID, PROC)
  proc!: string

  @Field(() => ID)
  backup!: string

  @Field(() => [ID], { description: 'Their ids, or the first digits of them.' })
  snapshots!: string[]

  @Field(() => ID, SERVER)
  server?: string | null
}

@ArgsType()
export class DeleteSnapshotsPlanArgs extends NamedSnapshotsArgs {
  @Field(() => Boolean, {
    nullable: true,
    description: 'As of deleteSnapshots: also of snapshots that were deleted before.',
  })
  now?: boolean | null
}

@ArgsType()
export class DeleteSnapshotsArgs extends NamedSnapshotsArgs {
  @Field(() => String, PLAN_HASH)
  planHash?: string | null

  @Field(() => Boolean, {
    nullable: true,
    description: 'Deletes for good, also snapshots that were deleted before: nobody can restore them.',
  })
  now?: boolean | null
}
