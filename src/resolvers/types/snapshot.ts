import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { SnapshotInfo } from '../../wire/snapshot.ts'
import { FileChangeKind } from '../enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { ChangedWhileRead, File } from './backup.ts'

@ObjectType({ description: 'One point in time of an increment.' })
export class Snapshot {
  @Field(() => ID, { description: "Restic's own id." })
  id!: string

  @Field(() => DateTime)
  created!: string

  @Field(() => Boolean, {
    description: 'Made while the clock of the machine was in doubt: `created` may be wrong.',
  })
  clockInDoubt!: boolean

  @Field(() => Boolean, { description: 'Whole, not corrupt, not suspect.' })
  good!: boolean

  @Field(() => Boolean, {
    description: 'Made of a mirror of the recorded system: never expires, and is deleted by hand.',
  })
  mirror!: boolean

  @Field(() => Boolean, { description: 'Some files could not be kept; the record says which.' })
  partial!: boolean

  @Field(() => String, { nullable: true, description: 'Why it is doubtful.' })
  suspect!: string | null

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed since the run began; null if that was not looked at.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => String, { nullable: true, description: 'What of it was found damaged, and when.' })
  corrupt!: string | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Bytes of file content in it; null where restic made it.',
  })
  size!: number | null

  @Field(() => Int, { nullable: true, description: 'Files inside.' })
  fileCount!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes that it added to the store.' })
  bytesAdded!: number | null

  @Field(() => ID, { nullable: true })
  rid!: string | null

  info!: SnapshotInfo
}

@ObjectType({ description: 'What became of one path from one snapshot to another.' })
export class FileChange {
  @Field(() => String, { description: 'Below the volume.' })
  path!: string

  @Field(() => FileChangeKind)
  change!: FileChangeKind

  @Field(() => File, { nullable: true, description: 'null where it was added.' })
  before!: File | null

  @Field(() => File, { nullable: true, description: 'null where it was removed.' })
  after!: File | null
}

@ObjectType({ description: 'A path as it was from this snapshot on, until the next one that is listed.' })
export class FileVersion {
  @Field(() => ID)
  snapshot!: string

  @Field(() => DateTime)
  created!: string

  @Field(() => FileChangeKind)
  change!: FileChangeKind

  @Field(() => File, { nullable: true, description: 'null where it was removed.' })
  file!: File | null
}
