import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { BackupInfo } from '../../wire/backup.ts'
import { BackupMode, FileType } from '../enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'Files that changed while their volume was backed up.' })
export class ChangedWhileRead {
  @Field(() => Int)
  count!: number

  @Field(() => [String], { description: 'Paths in the volume, of the first hundred.' })
  names!: string[]
}

@ObjectType(SIMPLE)
export class Backup {
  @Field(() => ID, { description: '`<server>/<name>`' })
  id!: string

  @Field(() => String)
  name!: string

  @Field(() => String)
  app!: string

  @Field(() => String, { description: 'The full name.' })
  proc!: string

  @Field(() => String)
  volume!: string

  @Field(() => Int)
  instanceNo!: number

  @Field(() => BackupMode)
  mode!: BackupMode

  @Field(() => String, { description: 'The directory it was made of.' })
  source!: string

  @Field(() => BigIntScalar, { description: 'Bytes in the store.' })
  size!: number

  @Field(() => DateTime)
  created!: string

  @Field(() => Boolean, {
    description: 'Made while the clock of the machine was in doubt: `created` may be wrong.',
  })
  clockInDoubt!: boolean

  @Field(() => Boolean, { description: 'Whole, not corrupt, not suspect.' })
  good!: boolean

  @Field(() => Boolean, { description: 'Some files could not be kept; the record says which.' })
  partial!: boolean

  @Field(() => String, {
    nullable: true,
    description: 'Why it is doubtful: empty or unmounted where it was not before.',
  })
  suspect!: string | null

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed since the run began; null if that was not looked at.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => String, { nullable: true, description: 'What was found wrong with it.' })
  corrupt!: string | null

  @Field(() => DateTime, { nullable: true, description: 'When it was last read back and found whole.' })
  verified!: string | null

  @Field(() => [String], { description: 'Reasons to keep it whatever its age.' })
  holds!: string[]

  @Field(() => Boolean, { description: 'Its volume is no longer in the inventory.' })
  orphaned!: boolean

  @Field(() => String, { nullable: true })
  sha256!: string | null

  @Field(() => Int, { nullable: true, description: 'Files inside.' })
  fileCount!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes of file content inside.' })
  contentBytes!: number | null

  @Field(() => [String])
  containers!: string[]

  @Field(() => ID, { nullable: true })
  rid!: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'How many snapshots it has, as told last; null where it is no series of them.',
  })
  snapshotCount!: number | null

  @Field(() => ID, {
    nullable: true,
    description: 'The newest snapshot that is whole, not corrupt, not suspect.',
  })
  lastGoodSnapshot!: string | null

  info!: BackupInfo
}

@ObjectType()
export class File {
  @Field(() => String, {
    description:
      'Below the volume. A backslash is written `\\\\`, a byte that is not UTF-8 or of a control character `\\xHH`.',
  })
  path!: string

  @Field(() => FileType)
  type!: FileType

  @Field(() => BigIntScalar)
  size!: number

  @Field(() => Int, { description: 'Permission bits.' })
  mode!: number

  @Field(() => BigIntScalar)
  uid!: number

  @Field(() => BigIntScalar)
  gid!: number

  @Field(() => DateTime)
  modified!: string

  @Field(() => String, { nullable: true })
  linkTarget!: string | null

  @Field(() => String, { nullable: true })
  sha256!: string | null
}
