import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { JobHooks } from '../../wire/hook-options.ts'
import { BackupMode } from '../enums/backup-enums.ts'
import { DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: "A schedule: what a server's daemon runs, and when." })
export class Job {
  @Field(() => ID, {
    description: 'Its id. The jobs of a server have `<8 hex digits of the server>-expire` and `…-verify`.',
  })
  id!: string

  @Field(() => String, {
    description: 'When it runs: 5 or 6 cron fields, `@daily`, `@every 1h`, `TZ=Area/City …`.',
  })
  spec!: string

  @Field(() => String, {
    description: 'What it does: `backup`, `backup_expire`, `backup_verify_due`, `backup_drill_due`.',
  })
  action!: string

  @Field(() => String, {
    nullable: true,
    description: 'The full name of the proc; null for a job of the server.',
  })
  proc!: string | null

  @Field(() => String, { nullable: true, description: 'Name of the volume; null for a job of the server.' })
  volume!: string | null

  @Field(() => Int, { nullable: true, description: 'Number of the instance; null for a job of the server.' })
  instanceNo!: number | null

  @Field(() => BackupMode, {
    nullable: true,
    description: 'Whether it makes full backups or increments; null for a job of the server.',
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
      'How long its backups are kept: `30d`. null for a job of the server, or if that could not be read.',
  })
  expire!: string | null

  @Field(() => JsonScalar, { description: 'Its arguments, as the daemon gets them.' })
  args!: Record<string, unknown>

  @Field(() => String, {
    nullable: true,
    description: 'Why its daemon does not run it, or not as it is written; null if it does.',
  })
  problem!: string | null

  writtenHooks?: JobHooks | undefined
  appName!: string
  serverIp!: string
}
