import { Field, Int, ObjectType } from 'type-graphql'
import { RecoverAction } from '../enums/recover-enums.ts'
import { BigIntScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'One step of a planned recover.' })
export class RecoverStep {
  @Field(() => RecoverAction, { description: 'What would be done with the path.' })
  action!: RecoverAction

  @Field(() => String, { description: 'Path below the volume.' })
  path!: string

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes of the file in the backup, or if it would be deleted, of the present one; 0 if it is not a file, null if its daemon does not tell.',
  })
  size!: number | null
}

@ObjectType({ ...SIMPLE, description: 'Room on a file system.' })
export class Room {
  @Field(() => BigIntScalar, { nullable: true, description: 'Null if it is not known.' })
  bytes!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Files and folders; null if it is not known.' })
  files!: number | null
}

@ObjectType({ ...SIMPLE, description: 'A process that holds something in a volume.' })
export class VolumeUser {
  @Field(() => Int, { description: 'Its number on the server.' })
  pid!: number

  @Field(() => String, { description: 'The name of its program.' })
  command!: string

  @Field(() => String, {
    description:
      'The first thing that it was found to hold: `working directory`, `open file wal/000001.log`, …',
  })
  what!: string
}

@ObjectType({ ...SIMPLE, description: 'What a recover would do.' })
export class RecoverPlan {
  /** The run that made it. */
  origin!: { rid: string; server: string }

  @Field(() => Int, { description: 'Number of paths that would be created.' })
  create!: number

  @Field(() => Int, {
    description: 'Number of paths that would be overwritten, because their type, size or time differs.',
  })
  overwrite!: number

  @Field(() => Int, {
    nullable: true,
    description:
      'Number of paths that differ only in mode, owner or attributes; null from daemons that count them as `overwrite`.',
  })
  metadata!: number | null

  @Field(() => Int, { description: 'Number of paths that would be deleted.' })
  delete!: number

  @Field(() => Int, {
    description:
      'Number of paths that already are as they would be restored. Content is not read: a file with the same size and time of change counts as the same.',
  })
  unchanged!: number

  @Field(() => BigIntScalar, { description: 'Bytes of file content that would be written.' })
  bytes!: number

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes of file content that would be deleted, and not overwritten; null if its daemon does not tell.',
  })
  bytesDeleted!: number | null

  @Field(() => Room, {
    nullable: true,
    description:
      'What the recover needs besides the present content, which stays until the end; null if its daemon does not tell.',
  })
  roomNeeded!: Room | null

  @Field(() => Room, {
    nullable: true,
    description: 'What was free on the file system of the volume; null if its daemon does not tell.',
  })
  roomFree!: Room | null

  @Field(() => Int, {
    nullable: true,
    description:
      'Number of processes that hold something in the volume, for which a recover is refused; null if its daemon does not tell.',
  })
  userCount!: number | null

  @Field(() => [VolumeUser], { description: 'The first twenty of these processes.' })
  users!: readonly VolumeUser[]

  @Field(() => [RecoverStep], { description: 'The first thousand steps; `stepConnection` has all.' })
  steps!: readonly RecoverStep[]

  @Field(() => Boolean, { description: 'There are more steps than `steps` lists.' })
  more!: boolean

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Renames are refused, so the recover would copy in place; null if `onRefusedRename: IN_PLACE` was not given.',
  })
  inPlace!: boolean | null

  @Field(() => String, {
    nullable: true,
    description:
      'A hash of the backup, the target and the paths that would be deleted or replaced, not of what they contain. A recover that quotes it does this or nothing; null from daemons that do not compare it.',
  })
  planHash!: string | null
}
