import { Field, ID, InputType, ObjectType } from 'type-graphql'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { NamedBackup } from './inputs.ts'

@ObjectType({
  ...SIMPLE,
  description: 'Keeps a full backup or a snapshot against every delete, beside its data in the store.',
})
export class Pin {
  @Field(() => ID, { description: 'Distinguishes it from other pins of the same backup.' })
  id!: string

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was made; null if it was not written by backupd, or is damaged.',
  })
  at!: string | null

  @Field(() => String, { nullable: true, description: 'Who asked for it; null likewise.' })
  by!: string | null

  @Field(() => String, { description: 'Why the backup is kept.' })
  reason!: string

  @Field(() => DateTime, { nullable: true, description: 'When it ends; null: when it is released.' })
  until!: string | null
}

@InputType({ description: 'A full backup, or a snapshot of an increment.' })
export class HoldTarget extends NamedBackup {
  @Field(() => ID, {
    nullable: true,
    description: 'The snapshot of an increment: its id, or four or more of its first digits.',
  })
  snapshot?: string
}
