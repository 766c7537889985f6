import { Field, ID, Int, ObjectType } from 'type-graphql'
import { BackupMode } from '../enums/backup-enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A backup or a snapshot that a delete names.' })
export class PlannedDelete {
  @Field(() => ID, { description: 'Its name in the store, or a path in a mirror.' })
  name!: string

  @Field(() => ID, {
    nullable: true,
    description: 'The id of the snapshot; null: the whole backup, of an increment all its snapshots.',
  })
  snapshot!: string | null

  @Field(() => ID, { description: 'The server in whose folder of the store it lies.' })
  server!: string

  @Field(() => BackupMode, { description: 'Whether it is a full backup or an increment.' })
  mode!: BackupMode

  @Field(() => DateTime, { description: 'When it was made; of a whole increment, its newest snapshot.' })
  created!: string

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes. Of a full backup: the archive. Otherwise the content of the snapshot, of an increment that of its newest; null if that is not known.',
  })
  size!: number | null

  @Field(() => Boolean, { description: 'It is complete, not corrupt and not suspect.' })
  good!: boolean

  @Field(() => [String], {
    description:
      'Why it would not be deleted, and with it nothing that the same call names; empty if nothing is known to keep it.',
  })
  keptBecause!: string[]
}

@ObjectType({ ...SIMPLE, description: 'What a delete leaves of the good backups of a volume.' })
export class VolumeLoss {
  @Field(() => String, { description: 'The full name of the proc.' })
  proc!: string

  @Field(() => Int, { description: 'Number of the instance, from 1.' })
  instanceNo!: number

  @Field(() => String, { description: 'Name of the volume: `/data/db`. Empty if it is not known.' })
  volume!: string

  @Field(() => ID, { description: 'The server that was backed up.' })
  server!: string

  @Field(() => Int, {
    description:
      'Good backups that it had an hour ago or has got since. Each snapshot of an increment counts as one.',
  })
  good!: number

  @Field(() => Int, { description: 'How many of them were deleted within the last hour.' })
  deletedInHour!: number

  @Field(() => Int, { description: 'How many of them would be left.' })
  left!: number
}

@ObjectType({ ...SIMPLE, description: 'What a delete would do.' })
export class DeletePlan {
  @Field(() => [PlannedDelete], { description: 'What is named; at most the first thousand.' })
  items!: PlannedDelete[]

  @Field(() => Int, { description: 'How many backups, or snapshots, are named.' })
  count!: number

  @Field(() => Int, { description: 'How many of them cannot be deleted.' })
  kept!: number

  @Field(() => BigIntScalar, {
    description: 'Bytes of the full backups and mirrors that would be deleted: their room is freed.',
  })
  bytes!: number

  @Field(() => Int, { description: 'Snapshots that would be deleted, those of whole increments included.' })
  snapshots!: number

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes that these snapshots added to the store when they were made. A prune frees less, if other snapshots need the same data, or more, if these were the last ones that needed older data. Null if it is not known of one.',
  })
  snapshotBytes!: number | null

  @Field(() => [VolumeLoss], {
    description:
      'The volumes that would lose a good backup, those with the fewest left first; at most a hundred.',
  })
  volumes!: VolumeLoss[]

  @Field(() => Int, { description: 'Good backups of all apps that you may see, as in `volumes`.' })
  goodOfAll!: number

  @Field(() => Int, { description: 'How many of them would be left.' })
  leftOfAll!: number

  @Field(() => [String], {
    description: 'Why a delete has to quote the plan; empty if it need not.',
  })
  neededBecause!: string[]

  @Field(() => String, {
    nullable: true,
    description:
      'A hash of exactly what would be deleted. A delete of it that quotes it does this or nothing; null if nothing would be deleted.',
  })
  planHash!: string | null
}
