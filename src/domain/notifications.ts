import type { ListCount, Page, Slice } from '../wire/listing.ts'
import { capCount } from '../wire/listing.ts'
import type { NotifySink } from '../wire/settings.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { makeNotification } from './notify/make-notifications.ts'
import type { Notification } from './notify/notification.ts'
import type { NotificationFilter } from './notify-ports.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { storeOutcomes } from './send-notifications.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow } from './world.ts'

/** What was sent and what waits, newest first. Only for those who may see everything: it names any app. */
export async function findNotifications(
  world: UserWorld,
  filter: NotificationFilter,
  page: Page,
): Promise<Answer<Slice<Notification>>> {
  const refusal = refuseUnlessPermitted(world, 'view', 'everything')
  if (refusal) return refusal
  await storeOutcomes(world)
  return world.ports.notifications.find(filter, page)
}

export async function countNotifications(
  { ports }: UserWorld,
  filter: NotificationFilter,
): Promise<ListCount> {
  return capCount(await ports.notifications.count(filter))
}

/** Sends a test to a sink, also while it is quiet; on disk when it resolves. */
export function testNotification(world: UserWorld, name: string): Promise<Answer<Notification>> {
  return audited(
    world,
    { verb: 'testNotification', facts: { sink: name } },
    {
      check: () => refuseUnlessPermitted(world, 'notify', 'everything') ?? findSink(world, name),
      async act(sink) {
        const { notify, ports } = world
        const test = makeNotification(sink, { event: 'TEST', alarm: null, now: trustedNow(world) })
        await ports.notifications.save([test])
        notify.outbox.add([test])
        return test
      },
    },
  )
}

function findSink(world: UserWorld, name: string): Answer<NotifySink> {
  const sink = world.notify.sinks.find((each) => each.name === name)
  return sink ?? refuse('NOT_FOUND', `There is no sink "${name}": ${listSinks(world)}`, { sink: name })
}

function listSinks({ notify }: UserWorld): string {
  const names = notify.sinks.map(({ name }) => `"${name}"`)
  return names.length === 0 ? 'the settings name none' : `the settings name ${names.join(', ')}`
}
