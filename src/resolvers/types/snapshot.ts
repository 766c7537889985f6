import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { SnapshotInfo } from '../../wire/snapshot.ts'
import { FileChangeKind } from '../enums/file-enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { ChangedWhileRead, File, ProvenRestorable, Verification } from './backup.ts'
import { Pin } from './pin.ts'

@ObjectType({ ...SIMPLE, description: 'One point in time of an increment.' })
export class Snapshot {
  @Field(() => ID, { description: "Its id in restic's repository." })
  id!: string

  @Field(() => DateTime, { description: 'When it began.' })
  created!: string

  @Field(() => Boolean, { description: "The machine's clock was in doubt, so `created` may be wrong." })
  clockInDoubt!: boolean

  @Field(() => Boolean, { description: 'It is complete, not corrupt and not suspect.' })
  good!: boolean

  @Field(() => Boolean, {
    description: 'It was made of a mirror of the legacy system: it never expires, and is deleted by hand.',
  })
  mirror!: boolean

  @Field(() => Boolean, { description: 'Some files are missing or inexact; the record names them.' })
  partial!: boolean

  @Field(() => String, { nullable: true, description: 'Why it is doubtful; null if it is not.' })
  suspect!: string | null

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed after the run began; null if that was not checked.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => String, {
    nullable: true,
    description: 'The damage that was found, and when; null if none is known.',
  })
  corrupt!: string | null

  @Field(() => Verification, {
    nullable: true,
    description: 'The last proof that it can be read; null if there is none.',
  })
  verified!: Verification | null

  @Field(() => ProvenRestorable, {
    nullable: true,
    description:
      'The last proof that it can be restored: a verification of its increment, or a drill of this snapshot. Null if there is none.',
  })
  provenRestorable!: ProvenRestorable | null

  @Field(() => [String], { description: 'Reasons to keep it regardless of its age.' })
  holds!: string[]

  @Field(() => [Pin], { description: 'Those of `holds` that somebody asked for.' })
  pins!: Pin[]

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Bytes of file content in it; null if restic made it.',
  })
  size!: number | null

  @Field(() => Int, { nullable: true, description: 'Number of files in it; null if it is not known.' })
  fileCount!: number | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Bytes that it added to the store; null if not known.',
  })
  bytesAdded!: number | null

  @Field(() => ID, { nullable: true, description: 'The run that made it; null if restic made it.' })
  rid!: string | null

  info!: SnapshotInfo
}

@ObjectType({ ...SIMPLE, description: 'How one path differs between two snapshots.' })
export class FileChange {
  @Field(() => String, { description: 'Path below the volume.' })
  path!: string

  @Field(() => FileChangeKind, { description: 'What differs.' })
  change!: FileChangeKind

  @Field(() => File, {
    nullable: true,
    description: 'The entry in the earlier snapshot; null if it was added.',
  })
  before!: File | null

  @Field(() => File, {
    nullable: true,
    description: 'The entry in the later snapshot; null if it was removed.',
  })
  after!: File | null
}

@ObjectType({ ...SIMPLE, description: 'A path as it was from this snapshot until the next listed one.' })
export class FileVersion {
  @Field(() => ID, { description: 'Id of the snapshot.' })
  snapshot!: string

  @Field(() => DateTime, { description: 'When the snapshot began.' })
  created!: string

  @Field(() => FileChangeKind, { description: 'What differs from the previous snapshot.' })
  change!: FileChangeKind

  @Field(() => File, { nullable: true, description: 'The entry in this snapshot; null if it was removed.' })
  file!: File | null
}
