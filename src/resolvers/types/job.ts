import { Field, ID, Int, ObjectType } from 'type-graphql'
import { BackupMode } from '../enums.ts'
import { DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType(SIMPLE)
export class Job {
  @Field(() => ID, { description: 'An expire job is `<8 hex digits of the server>-expire`.' })
  id!: string

  @Field(() => String, {
    description: 'When it runs: 5 or 6 cron fields, `@daily`, `@every 1h`, `TZ=Area/City …`.',
  })
  spec!: string

  @Field(() => String)
  action!: string

  @Field(() => String, { nullable: true, description: 'The full name.' })
  proc!: string | null

  @Field(() => String, { nullable: true })
  volume!: string | null

  @Field(() => Int, { nullable: true })
  instanceNo!: number | null

  @Field(() => BackupMode, { nullable: true })
  mode!: BackupMode | null

  @Field(() => Boolean)
  asleep!: boolean

  @Field(() => DateTime, { nullable: true })
  prevRun!: string | null

  @Field(() => DateTime, { nullable: true })
  nextRun!: string | null

  @Field(() => String, { nullable: true, description: 'How long backups are kept: `30d`.' })
  expire!: string | null

  @Field(() => JsonScalar)
  args!: Record<string, unknown>

  @Field(() => String, {
    nullable: true,
    description: 'Why its daemon does not run it; null where nothing is wrong.',
  })
  problem!: string | null

  appName!: string
  serverIp!: string
}
