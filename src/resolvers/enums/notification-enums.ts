import { registerEnumType } from 'type-graphql'
import type {
  NotificationEvent as DomainNotificationEvent,
  NotificationState as DomainNotificationState,
} from '../../domain/notify/notification.ts'

export const NotificationEvent = {
  RAISED: 'RAISED',
  WORSE: 'WORSE',
  UNACKNOWLEDGED: 'UNACKNOWLEDGED',
  CLEARED: 'CLEARED',
  TEST: 'TEST',
} as const satisfies { [Event in DomainNotificationEvent]: Event }
export type NotificationEvent = DomainNotificationEvent
registerEnumType(NotificationEvent, {
  name: 'NotificationEvent',
  description: 'What a notification tells.',
  valuesConfig: {
    RAISED: { description: 'An alarm was raised.' },
    WORSE: { description: 'An alarm became worse.' },
    UNACKNOWLEDGED: { description: 'The time of its acknowledgement is over, and it is still open.' },
    CLEARED: { description: 'An alarm was cleared.' },
    TEST: { description: 'The sink works.' },
  },
})

export const NotificationState = {
  WAITING: 'WAITING',
  SENT: 'SENT',
  FAILED: 'FAILED',
  DROPPED: 'DROPPED',
} as const satisfies { [State in DomainNotificationState]: State }
export type NotificationState = DomainNotificationState
registerEnumType(NotificationState, {
  name: 'NotificationState',
  description: 'What became of a notification.',
  valuesConfig: {
    WAITING: { description: 'It is sent as soon as its sink takes it, or at the end of quiet hours.' },
    SENT: { description: 'The sink took it.' },
    FAILED: { description: 'The sink refused it for good, or for a whole day.' },
    DROPPED: { description: 'The alarm was cleared during quiet hours, or the sink left the settings.' },
  },
})
