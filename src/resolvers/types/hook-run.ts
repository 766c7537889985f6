import { Field, Int, ObjectType } from 'type-graphql'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'One call of a hook: a program that a run calls in a place.' })
export class HookRun {
  @Field(() => String, { description: 'Its word in the inventory, such as `pre_run`.' })
  hook!: string

  @Field(() => String, { nullable: true, description: 'The container; null: the machine of the daemon.' })
  container!: string | null

  @Field(() => Int, {
    description: 'Over 1: it was called again, because nobody knew how the call before had ended.',
  })
  attempt!: number

  @Field(() => Int, {
    nullable: true,
    description: 'Its exit code; null if it never began, was ended, or if that is not known.',
  })
  exitCode!: number | null

  @Field(() => String, { nullable: true, description: 'Why it failed, one sentence; null if it succeeded.' })
  failure!: string | null

  @Field(() => String, { description: 'The end of what it wrote to stdout, up to 2048 characters.' })
  stdout!: string

  @Field(() => String, { description: 'The end of what it wrote to stderr, up to 2048 characters.' })
  stderr!: string
}
