import { Field, ID, Int, ObjectType } from 'type-graphql'
import { SchedulerStatus } from '../enums.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'

@ObjectType()
export class StoreSpace {
  @Field(() => String)
  driver!: string

  @Field(() => BigIntScalar, { nullable: true })
  freeBytes!: number | null

  @Field(() => BigIntScalar, { nullable: true })
  totalBytes!: number | null

  @Field(() => String, { nullable: true })
  error!: string | null
}

@ObjectType({ description: 'A machine that runs a daemon.' })
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

  @Field(() => [String])
  capabilities!: string[]

  @Field(() => String, { nullable: true })
  version!: string | null

  @Field(() => StoreSpace, { nullable: true })
  store!: StoreSpace | null

  @Field(() => [String], { description: 'Everything an operator should know; empty when all is well.' })
  problems!: string[]
}
