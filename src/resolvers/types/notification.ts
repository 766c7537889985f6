import { Field, ID, Int, ObjectType } from 'type-graphql'
import { NotificationEvent, NotificationState } from '../enums/notification-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { Alarm } from './alarm.ts'

@ObjectType({ ...SIMPLE, description: 'Something that is sent to a sink, once.' })
export class Notification {
  @Field(() => ID, { description: 'Receivers know by it what they have already.' })
  id!: string

  @Field(() => String, { description: 'The name of the sink.' })
  sink!: string

  @Field(() => NotificationEvent, { description: 'What it tells.' })
  event!: NotificationEvent

  @Field(() => Alarm, { nullable: true, description: 'The alarm as it was then; null for a test.' })
  alarm!: Alarm | null

  @Field(() => DateTime, { description: 'When it was made.' })
  createdAt!: string

  @Field(() => DateTime, { nullable: true, description: 'The end of the quiet hours that it waits for.' })
  heldUntil!: string | null

  @Field(() => NotificationState, { description: 'What became of it.' })
  state!: NotificationState

  @Field(() => Int, { description: 'How often it was tried.' })
  attempts!: number

  @Field(() => DateTime, { nullable: true, description: 'When it was last tried.' })
  attemptedAt!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'What the sink answered last: `HTTP 200`, or why it could not be reached. Never with its URL.',
  })
  answer!: string | null
}
