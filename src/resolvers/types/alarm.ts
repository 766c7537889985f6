import { Field, ID, Int, ObjectType } from 'type-graphql'
import { AlarmKind, AlarmSeverity, AlarmTargetType } from '../enums/alarm-enums.ts'
import { EventKind } from '../enums/record-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'What an alarm is about.' })
export class AlarmTarget {
  @Field(() => AlarmTargetType, { description: 'What it is.' })
  type!: AlarmTargetType

  @Field(() => ID, {
    nullable: true,
    description: 'The app of the volume; null if it is not about one volume.',
  })
  app!: string | null

  @Field(() => ID, { nullable: true, description: 'The full name of the proc of the volume.' })
  proc!: string | null

  @Field(() => Int, { nullable: true, description: 'The number of the instance of the volume.' })
  instanceNo!: number | null

  @Field(() => String, { nullable: true, description: 'The name of the volume: `/data/db`.' })
  volume!: string | null

  serverIp!: string | null
}

@ObjectType({ ...SIMPLE, description: 'Somebody takes care of an alarm.' })
export class AlarmAcknowledgement {
  @Field(() => String, { description: 'Who.' })
  by!: string

  @Field(() => DateTime, { description: 'When it was acknowledged.' })
  at!: string

  @Field(() => DateTime, { description: 'When this ends on its own.' })
  until!: string

  @Field(() => String, { description: 'Why.' })
  why!: string
}

@ObjectType({ ...SIMPLE, description: 'A fault that somebody has to know about.' })
export class Alarm {
  @Field(() => ID, { description: 'Its id, which stays the same until it is cleared, also over restarts.' })
  id!: string

  @Field(() => AlarmKind, { description: 'Which state of health it is about. That of a volume may change.' })
  kind!: AlarmKind

  @Field(() => AlarmSeverity, { description: 'How urgent it is.' })
  severity!: AlarmSeverity

  @Field(() => AlarmTarget, { description: 'What it is about.' })
  target!: AlarmTarget

  @Field(() => Int, { description: 'How many faults of this kind it stands for.' })
  count!: number

  @Field(() => DateTime, { description: 'Since when the fault is known.' })
  since!: string

  @Field(() => DateTime, { description: 'When it was raised.' })
  raisedAt!: string

  @Field(() => DateTime, { nullable: true, description: 'When it was cleared; null while it is open.' })
  clearedAt!: string | null

  @Field(() => String, { description: 'What is wrong, as it was when the alarm was raised or last changed.' })
  message!: string

  @Field(() => String, { description: 'What to do.' })
  action!: string

  @Field(() => AlarmAcknowledgement, { nullable: true, description: 'Who takes care of it; null: nobody.' })
  acknowledged!: AlarmAcknowledgement | null
}

@ObjectType({ ...SIMPLE, description: 'One event of a subscription to alarms.' })
export class AlarmEvent {
  @Field(() => Int, { description: 'Its number; numbers grow, and continue after a restart.' })
  seq!: number

  @Field(() => EventKind, { description: 'Whether it is the present state or a change.' })
  kind!: EventKind

  @Field(() => Alarm, { description: 'The alarm as it was then.' })
  alarm!: Alarm
}
