import { Field, ID, InputType, Int } from 'type-graphql'
import { BackupMode, InUse, OnRefusedRename, RecordState } from '../enums.ts'
import { DateTime } from '../scalars.ts'

@InputType()
class PlaceFilter {
  @Field(() => ID, { nullable: true })
  app?: string

  @Field(() => ID, { nullable: true, description: '`web` or the full name.' })
  proc?: string

  @Field(() => String, { nullable: true })
  volume?: string

  @Field(() => Int, { nullable: true })
  instanceNo?: number

  @Field(() => BackupMode, { nullable: true })
  mode?: BackupMode

  @Field(() => ID, { nullable: true })
  server?: string
}

@InputType()
export class JobFilter extends PlaceFilter {
  @Field(() => String, { nullable: true })
  action?: string
}

@InputType()
class HistoryFilter extends PlaceFilter {
  @Field(() => [String], { nullable: true })
  volumes?: string[]

  @Field(() => DateTime, { nullable: true })
  from?: Date

  @Field(() => DateTime, { nullable: true })
  to?: Date
}

@InputType()
export class RecordFilter extends HistoryFilter {
  @Field(() => String, { nullable: true })
  action?: string

  @Field(() => ID, { nullable: true })
  jobId?: string

  @Field(() => [RecordState], { nullable: true })
  states?: RecordState[]
}

@InputType()
export class BackupFilter extends HistoryFilter {
  @Field(() => [ID], { nullable: true })
  names?: string[]
}

@InputType()
export class RecoverInput {
  @Field(() => ID)
  app!: string

  @Field(() => ID, { description: '`web` or the full name.' })
  proc!: string

  @Field(() => ID, { description: 'Its name in the store.' })
  backup!: string

  @Field(() => ID, {
    nullable: true,
    description: 'In whose folder of the store it lies, where the name does not tell.',
  })
  server?: string

  @Field(() => ID, {
    nullable: true,
    description: 'Of an increment; the newest that is not suspect where none is named.',
  })
  snapshot?: string

  @Field(() => [String], { nullable: true, description: 'Without it the whole content is swapped.' })
  files?: string[]

  @Field(() => InUse, { nullable: true, defaultValue: InUse.REFUSE })
  inUse?: InUse | null

  @Field(() => OnRefusedRename, { nullable: true, defaultValue: OnRefusedRename.REFUSE })
  onRefusedRename?: OnRefusedRename | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Only tells what would be done: see `result.plan` of the record, whose action is `backup_recover_plan`.',
  })
  plan?: boolean | null
}

@InputType()
export class MigrateInput extends RecoverInput {
  @Field(() => Int, { description: 'Number of the instance to recover into.' })
  to!: number

  @Field(() => String)
  volume!: string

  @Field(() => String, {
    nullable: true,
    description:
      'Needed if `volume` is not the name of the volume that the backup was made of: `volume` once more.',
  })
  confirmVolume?: string | null
}
