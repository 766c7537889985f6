import { Field, ID, ObjectType } from 'type-graphql'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({
  ...SIMPLE,
  description: 'A full backup, or a snapshot of an increment, that was deleted and can be restored.',
})
export class DeletedBackup {
  @Field(() => ID, { description: 'Its name in the store.' })
  name!: string

  @Field(() => ID, {
    nullable: true,
    description: 'The id of the snapshot of it that was deleted; null: a full backup.',
  })
  snapshot!: string | null

  @Field(() => String)
  app!: string

  @Field(() => String, { description: 'Full name of the proc.' })
  proc!: string

  @Field(() => ID, { description: 'The server in whose folder of the store it lies.' })
  server!: string

  @Field(() => DateTime, { description: 'When the backup was made.' })
  created!: string

  @Field(() => BigIntScalar, {
    description:
      'Bytes that a full backup takes in the store until it is removed; the size of the files in a snapshot.',
  })
  size!: number

  @Field(() => DateTime, { nullable: true, description: 'When it was deleted; null if that cannot be read.' })
  at!: string | null

  @Field(() => String, { nullable: true, description: 'Who deleted it; null likewise.' })
  by!: string | null

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Until when it can be restored. null likewise: then it stays until somebody restores or deletes it.',
  })
  until!: string | null
}

@ObjectType({ ...SIMPLE, description: 'One page of deleted backups, by name.' })
export class DeletedBackupPage {
  @Field(() => [DeletedBackup])
  nodes!: DeletedBackup[]

  @Field(() => String, { nullable: true, description: 'The `after` of the next page; null on the last one.' })
  next!: string | null
}
