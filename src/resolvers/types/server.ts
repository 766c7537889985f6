import { Field, ID, Int, ObjectType } from 'type-graphql'
import { SchedulerStatus } from '../enums.ts'
import { BigIntScalar, DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ description: 'The narrowest quota that bounds the store.' })
export class StoreQuota {
  @Field(() => BigIntScalar)
  usedBytes!: number

  @Field(() => BigIntScalar)
  limitBytes!: number
}

@ObjectType()
export class StoreSpace {
  @Field(() => String)
  driver!: string

  @Field(() => BigIntScalar, { nullable: true })
  freeBytes!: number | null

  @Field(() => BigIntScalar, { nullable: true })
  totalBytes!: number | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'What was deleted and still takes room; null where the store has no trash, or does not say.',
  })
  trashBytes!: number | null

  @Field(() => StoreQuota, { nullable: true })
  quota!: StoreQuota | null

  @Field(() => String, { nullable: true })
  error!: string | null
}

@ObjectType({ description: 'What a daemon tells of its own process.' })
export class ServerDebug {
  @Field(() => SchedulerStatus)
  schedulerStatus!: SchedulerStatus

  @Field(() => Int)
  runningTasks!: number

  @Field(() => DateTime)
  startTime!: string

  @Field(() => DateTime, { nullable: true, description: 'When it last took a list of jobs since its start.' })
  updateTime!: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'Goroutines of an original, open handles and timers of ours.',
  })
  goroutines!: number | null

  @Field(() => JsonScalar, { nullable: true, description: 'As the runtime of the daemon names it; bytes.' })
  memStats!: { [name: string]: unknown } | null
}

@ObjectType({ ...SIMPLE, description: 'A machine that runs a daemon.' })
export class Server {
  @Field(() => ID)
  ip!: string

  @Field(() => Boolean)
  reachable!: boolean

  @Field(() => DateTime, { nullable: true })
  lastSeen!: string | null

  @Field(() => Boolean, {
    description: 'It left the inventory and has not yet taken its empty list of jobs.',
  })
  leaving!: boolean

  @Field(() => SchedulerStatus, { nullable: true })
  schedulerStatus!: SchedulerStatus | null

  @Field(() => Int, { nullable: true })
  runningTasks!: number | null

  @Field(() => Int, { nullable: true, description: 'null for an original daemon.' })
  protocol!: number | null

  @Field(() => [String], {
    description: 'What its daemon can do besides the recorded routes; `original` = those alone.',
  })
  capabilities!: string[]

  @Field(() => String, { nullable: true })
  version!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The time zone of schedules that name none; null if the daemon does not say.',
  })
  timeZone!: string | null

  @Field(() => StoreSpace, { nullable: true })
  store!: StoreSpace | null

  @Field(() => [String], { description: 'Everything an operator should know; empty when all is well.' })
  problems!: string[]
}
