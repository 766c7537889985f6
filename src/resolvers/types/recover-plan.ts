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
}

@ObjectType({ ...SIMPLE, description: 'What a recover would do.' })
export class RecoverPlan {
  @Field(() => Int, { description: 'Number of paths that would be created.' })
  create!: number

  @Field(() => Int, { description: 'Number of paths that would be overwritten.' })
  overwrite!: number

  @Field(() => Int, { description: 'Number of paths that would be deleted.' })
  delete!: number

  @Field(() => Int, {
    description:
      'Number of paths that already are as they would be restored. Content is not read: a file with the same size and time of change counts as the same.',
  })
  unchanged!: number

  @Field(() => BigIntScalar, { description: 'Bytes of file content that would be written.' })
  bytes!: number

  @Field(() => [RecoverStep], { description: 'The first thousand steps.' })
  steps!: RecoverStep[]

  @Field(() => Boolean, { description: 'There are more steps than `steps` lists.' })
  more!: boolean

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Renames are refused, so the recover would copy in place; null if `onRefusedRename: IN_PLACE` was not given.',
  })
  inPlace?: boolean | null

  @Field(() => String, {
    nullable: true,
    description:
      'A hash of the backup, the target and the paths that would be deleted or replaced, not of what they contain. A recover that quotes it does this or nothing; null from daemons that do not compare it.',
  })
  planHash?: string | null
}
