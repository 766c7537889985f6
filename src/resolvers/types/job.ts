import { Field, ID, Int, ObjectType } from 'type-graphql'
import { BackupMode } from '../enums.ts'
import { DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: "A schedule: what a server's daemon runs, and when." })
export class Job {
  @Field(() => ID, { description: 'Its id. An expire job has `<8 hex digits of the server>-expire`.' })
  id!: string

  @Field(() => String, {
    description: 'When it runs: 5 or 6 cron fields, `@daily`, `@every 1h`, `TZ=Area/City …`.',
  })
  spec!: string

  @Field(() => String, { description: 'What it does: `backup`, `backup_expire`.' })
  action!: string

  @Field(() => String, { nullable: true, description: 'The full name of the proc; null for an expire job.' })
  proc!: string | null

  @Field(() => String, { nullable: true, description: 'Name of the volume; null for an expire job.' })
  volume!: string | null

  @Field(() => Int, { nullable: true, description: 'Number of the instance; null for an expire job.' })
  instanceNo!: number | null

  @Field(() => BackupMode, {
    nullable: true,
    description: 'Whether it makes full backups or increments; null for an expire job.',
  })
  mode!: BackupMode | null

  @Field(() => Boolean, { description: 'Its schedule is stopped by `sleepJob`.' })
  asleep!: boolean

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the schedule last started it; null: never, or not known.',
  })
  prevRun!: string | null

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the schedule will start it next; null: not known.',
  })
  nextRun!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'How long its backups are kept: `30d`. null for an expire job, or if that could not be read.',
  })
  expire!: string | null

  @Field(() => JsonScalar, { description: 'Its arguments, as the daemon gets them.' })
  args!: Record<string, unknown>

  @Field(() => String, { nullable: true, description: 'Why its daemon does not run it; null if it does.' })
  problem!: string | null

  appName!: string
  serverIp!: string
}
