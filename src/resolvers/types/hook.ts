import { Field, Int, ObjectType } from 'type-graphql'
import { HookPolicy } from '../enums/hook-enums.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A program that the inventory lets run around a backup or a recover.' })
export class Hook {
  @Field(() => String, { description: 'Its word in the inventory, such as `pre_run`.' })
  hook!: string

  @Field(() => String, { description: 'The script and its arguments, as they are written.' })
  run!: string

  @Field(() => Int, { description: 'If it takes longer, it is killed, and counts as failed.' })
  timeLimitSeconds!: number

  @Field(() => HookPolicy, { description: 'What its failure means for the run.' })
  policy!: HookPolicy
}
