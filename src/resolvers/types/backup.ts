import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import type { BackupInfo } from '../../wire/backup.ts'
import { BackupMode, DrillMode, ProvenBy, VerifyMethod } from '../enums/backup-enums.ts'
import { FileType } from '../enums/file-enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { Pin } from './pin.ts'

@ObjectType({ ...SIMPLE, description: 'Files that changed while their volume was backed up.' })
export class ChangedWhileRead {
  @Field(() => Int, { description: 'How many files changed. 0: all files are from one moment.' })
  count!: number

  @Field(() => [String], { description: 'Paths below the volume; at most the first hundred.' })
  names!: string[]
}

@ObjectType({ ...SIMPLE, description: 'The proof that a backup can still be read; it lies beside the data.' })
export class Verification {
  @Field(() => DateTime, {
    description:
      'When an archive had been read and found intact; of an increment, when that read began, maybe in an earlier run.',
  })
  at!: string

  @Field(() => ID, { description: 'The run that read it.' })
  rid!: string

  @Field(() => VerifyMethod, { description: 'What it was compared with.' })
  method!: VerifyMethod

  @Field(() => Float, { description: 'The share of its bytes that was read, from 0 to 1.' })
  share!: number
}

@ObjectType({ ...SIMPLE, description: 'What proved that a backup can be restored.' })
export class ProvenRestorable {
  @Field(() => DateTime, { description: 'When it was proven.' })
  at!: string

  @Field(() => ID, { description: 'The run that proved it.' })
  rid!: string

  @Field(() => ProvenBy, { description: 'Whether it was read or restored.' })
  by!: ProvenBy

  @Field(() => DrillMode, { nullable: true, description: 'Of a drill: how much was restored.' })
  mode!: DrillMode | null

  @Field(() => Float, { description: 'The share of its bytes that was read, from 0 to 1.' })
  share!: number

  @Field(() => ID, {
    nullable: true,
    description:
      'Of an increment: the snapshot that a drill restored. Null for a verification, which reads all.',
  })
  snapshot!: string | null
}

@ObjectType({
  ...SIMPLE,
  description: 'A result in the store: a full backup, or an increment with its snapshots.',
})
export class Backup {
  @Field(() => ID, { description: '`<server>/<name>`' })
  id!: string

  @Field(() => String, { description: 'Its name in the store.' })
  name!: string

  @Field(() => String, { description: 'The app that its volume belongs to.' })
  app!: string

  @Field(() => String, { description: 'The full name of the proc.' })
  proc!: string

  @Field(() => String, { description: 'Name of the volume: `/data/db`. Empty if it is not known.' })
  volume!: string

  @Field(() => Int, { description: 'Number of the instance, from 1.' })
  instanceNo!: number

  @Field(() => BackupMode, { description: 'Whether it is a full backup or an increment.' })
  mode!: BackupMode

  @Field(() => String, { description: 'Absolute path of the volume on its server when it was backed up.' })
  source!: string

  @Field(() => BigIntScalar, {
    description:
      'Bytes. Of a full backup: the archive in the store. Of an increment: file content of its newest snapshot.',
  })
  size!: number

  @Field(() => DateTime, { description: 'When the backup began; of an increment, its newest snapshot.' })
  created!: string

  @Field(() => Boolean, {
    description: "The machine's clock was in doubt during the backup, so `created` may be wrong.",
  })
  clockInDoubt!: boolean

  @Field(() => Boolean, { description: 'It is complete, not corrupt and not suspect.' })
  good!: boolean

  @Field(() => Boolean, { description: 'Some files are missing or inexact; the record names them.' })
  partial!: boolean

  @Field(() => String, {
    nullable: true,
    description:
      'Why it is doubtful: the volume was empty or unmounted, and was not so before. null if it is not suspect.',
  })
  suspect!: string | null

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed after the run began; null if that was not checked.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => String, { nullable: true, description: 'The damage that was found; null if none is known.' })
  corrupt!: string | null

  @Field(() => Verification, {
    nullable: true,
    description:
      'The last proof that it can be read; null if there is none. Of an increment: the last one of its series, unless a later snapshot is corrupt.',
  })
  verified!: Verification | null

  @Field(() => ProvenRestorable, {
    nullable: true,
    description:
      'The last proof that it can be restored: a verification or a drill. Of an increment: the drill of one snapshot, which the other snapshots need not pass, or the verification of all. Null if there is none.',
  })
  provenRestorable!: ProvenRestorable | null

  @Field(() => [String], {
    description: 'Reasons to keep it regardless of its age; of an increment, those of its snapshots.',
  })
  holds!: string[]

  @Field(() => [Pin], {
    description: 'Those of `holds` that somebody asked for; of an increment, of its snapshots, at most 20.',
  })
  pins!: Pin[]

  @Field(() => Boolean, { description: 'Its volume is no longer in the inventory.' })
  orphaned!: boolean

  @Field(() => String, {
    nullable: true,
    description: 'Hash of the archive, in hex; null for an increment or if it is not known.',
  })
  sha256!: string | null

  @Field(() => Int, { nullable: true, description: 'Number of files in it; null if it is not known.' })
  fileCount!: number | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Bytes of file content in it; null if it is not known.',
  })
  contentBytes!: number | null

  @Field(() => [String], { description: 'Containers of the instance when it was backed up.' })
  containers!: string[]

  @Field(() => ID, { nullable: true, description: 'The run that made it; null if it is not known.' })
  rid!: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'Number of its snapshots, as reported last; null if it is not a series of snapshots.',
  })
  snapshotCount!: number | null

  @Field(() => ID, {
    nullable: true,
    description:
      'Id of its newest good snapshot; null if there is none, or if it is not a series of snapshots.',
  })
  lastGoodSnapshot!: string | null

  info!: BackupInfo
}

@ObjectType({
  ...SIMPLE,
  description: 'An entry of a backup: a file, a directory, a link, a fifo or a device.',
})
export class File {
  @Field(() => String, {
    description:
      'Path below the volume. A backslash is written `\\\\`, a byte that is not UTF-8 or that is a control character `\\xHH`.',
  })
  path!: string

  @Field(() => FileType, { description: 'What kind of entry it is.' })
  type!: FileType

  @Field(() => BigIntScalar, { description: 'Size in bytes.' })
  size!: number

  @Field(() => Int, { description: 'Permission bits, as a number.' })
  mode!: number

  @Field(() => BigIntScalar, { description: 'Id of its owner.' })
  uid!: number

  @Field(() => BigIntScalar, { description: 'Id of its group.' })
  gid!: number

  @Field(() => DateTime, { description: 'When its content last changed.' })
  modified!: string

  @Field(() => String, { nullable: true, description: 'Where a link leads; null for other entries.' })
  linkTarget!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Hash of its content, in hex; null if it is not known.',
  })
  sha256!: string | null

  /** Where it lies; undefined if nobody can download it. */
  origin?: { backup: BackupInfo; snapshot: string | null } | undefined
}
