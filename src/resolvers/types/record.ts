import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import type { BackupInfo } from '../../wire/backup.ts'
import { BackupMode, EventKind, RecordState, RecoverAction } from '../enums.ts'
import { BigIntScalar, DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { ChangedWhileRead } from './backup.ts'

@ObjectType()
export class Progress {
  @Field(() => String)
  phase!: string

  @Field(() => BigIntScalar)
  bytesDone!: number

  @Field(() => BigIntScalar, { nullable: true })
  bytesTotal!: number | null

  @Field(() => Int)
  filesDone!: number

  @Field(() => Int, { nullable: true })
  filesTotal!: number | null

  @Field(() => String, {
    nullable: true,
    description: 'A backslash is written `\\\\`, a byte that is not UTF-8 or of a control character `\\xHH`.',
  })
  currentPath!: string | null

  @Field(() => Float, { nullable: true })
  bytesPerSecond!: number | null

  @Field(() => Float, { nullable: true })
  etaSeconds!: number | null
}

@ObjectType()
export class RecordError {
  @Field(() => String, { description: 'Stable; listed in docs/errors.md.' })
  code!: string

  @Field(() => String)
  message!: string

  @Field(() => String, { description: 'What to do about it.' })
  action!: string

  @Field(() => JsonScalar, { description: 'Sizes, names, limits.' })
  facts!: { [name: string]: unknown }
}

@ObjectType()
export class RecoverStep {
  @Field(() => RecoverAction)
  action!: RecoverAction

  @Field(() => String, { description: 'Below the volume.' })
  path!: string
}

@ObjectType()
export class RecoverPlan {
  @Field(() => Int, { description: 'How many paths would be made, as the three after it.' })
  create!: number

  @Field(() => Int)
  overwrite!: number

  @Field(() => Int)
  delete!: number

  @Field(() => Int, {
    description:
      'How many are as they would be restored, as far as can be told without reading content: a file of the same size and time of change is taken for the same.',
  })
  unchanged!: number

  @Field(() => BigIntScalar, { description: 'Bytes of file content that would be written.' })
  bytes!: number

  @Field(() => [RecoverStep], { description: 'The first thousand.' })
  steps!: RecoverStep[]

  @Field(() => Boolean, { description: 'There are more than are listed.' })
  more!: boolean

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether renames are refused, so that it would be a copy in place; null if that was not asked for.',
  })
  inPlace?: boolean | null
}

@ObjectType(SIMPLE)
export class BackupResult {
  @Field(() => String, { nullable: true, description: 'Name of the backup in the store.' })
  file!: string | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes in the store.' })
  size!: number | null

  @Field(() => [String], { description: 'Names that are no longer in the store.' })
  deleted!: string[]

  @Field(() => Int, { nullable: true })
  entriesRestored!: number | null

  @Field(() => BigIntScalar, { nullable: true })
  bytesRestored!: number | null

  @Field(() => ID, { nullable: true, description: 'The snapshot that was made.' })
  snapshot!: string | null

  @Field(() => [ID], { description: 'Snapshots that are no longer in their series.' })
  deletedSnapshots!: string[]

  @Field(() => BigIntScalar, { nullable: true, description: 'What a prune gave back to the store.' })
  bytesFreed!: number | null

  @Field(() => Int, { nullable: true, description: 'Against the snapshot before, as the three after it.' })
  filesNew!: number | null

  @Field(() => Int, { nullable: true })
  filesChanged!: number | null

  @Field(() => Int, { nullable: true })
  filesUnchanged!: number | null

  @Field(() => Int, { nullable: true })
  filesDeleted!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Content that was read for the snapshot.' })
  bytesRead!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'What the snapshot added to the store.' })
  bytesAdded!: number | null

  @Field(() => RecoverPlan, {
    nullable: true,
    description: 'What the recover would do; nothing of it was done.',
  })
  plan!: RecoverPlan | null

  backupInfo!: BackupInfo | null
}

@ObjectType({ ...SIMPLE, description: 'One run of a job or of a one-off action.' })
export class Record {
  @Field(() => ID)
  rid!: string

  @Field(() => String)
  app!: string

  @Field(() => String, { nullable: true, description: 'The full name.' })
  proc!: string | null

  @Field(() => String, { nullable: true })
  volume!: string | null

  @Field(() => Int, { nullable: true })
  instanceNo!: number | null

  @Field(() => BackupMode, { nullable: true })
  mode!: BackupMode | null

  @Field(() => String)
  action!: string

  @Field(() => ID, { nullable: true, description: 'null for a one-off action.' })
  jobId!: string | null

  @Field(() => String, { description: 'Empty for a one-off action.' })
  spec!: string

  @Field(() => Boolean, { description: 'Started by the schedule, not by hand.' })
  scheduled!: boolean

  @Field(() => JsonScalar)
  args!: { [name: string]: unknown }

  @Field(() => RecordState)
  state!: RecordState

  @Field(() => Progress, { nullable: true })
  progress!: Progress | null

  @Field(() => BackupResult, { nullable: true })
  result!: BackupResult | null

  @Field(() => String, { nullable: true, description: 'Why it is not a plain success.' })
  reason!: string | null

  @Field(() => RecordError, { nullable: true })
  error!: RecordError | null

  @Field(() => [String], { description: 'The first thousand.' })
  warnings!: string[]

  @Field(() => Int)
  warningCount!: number

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed since the run began; null if that was not looked at.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => DateTime)
  start!: string

  @Field(() => DateTime, { nullable: true })
  end!: string | null

  @Field(() => Int)
  attempt!: number

  serverIp!: string
}

@ObjectType()
export class RecordEvent {
  @Field(() => Int, { description: 'Counts over all records; pass the last one as `since` to miss nothing.' })
  seq!: number

  @Field(() => EventKind)
  kind!: EventKind

  @Field(() => Record)
  record!: Record
}
