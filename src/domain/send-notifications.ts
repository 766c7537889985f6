import { messageOf } from '../lib/errors.ts'
import type { NotifySink, Settings, SettingsNews, Webhook } from '../wire/settings.ts'
import { describeSettingsChange } from './notify/describe-change.ts'
import { findAlarmEvent, makeNotifications } from './notify/make-notifications.ts'
import type { Notification } from './notify/notification.ts'
import { makeMailMessage, makeWebhookMessage } from './notify/print-body.ts'
import type { SinkAnswer } from './notify-ports.ts'
import { trustedNow, type World } from './world.ts'
import { writeOwnEntry } from './write-own-entry.ts'

const SOURCE = 'notify'
const SETTINGS = { source: 'settings', key: 'file' } as const
/** The receiver will never take such a body; all other refusals may pass. */
const FINAL_STATUSES: readonly number[] = [400, 413, 422]
const MAX_ANSWER = 300

/** Takes over what waited before the start. From now on, changes of alarms make notifications. */
export async function restoreNotifications(world: World): Promise<void> {
  const { alarms, notify, ports } = world
  notify.outbox.add(await ports.notifications.loadWaiting())
  alarms.book.notifier = {
    make(before, alarm) {
      const event = findAlarmEvent(before, alarm)
      if (!event) return []
      const waiting = notify.outbox.listWaiting(alarm.id)
      return makeNotifications({ event, alarm, sinks: notify.sinks, waiting, now: trustedNow(world) })
    },
    stored: (notifications) => notify.outbox.add(notifications),
  }
}

/** Takes over settings. Broken ones change nothing, and are a problem. */
export function acceptSettings(world: World, news: SettingsNews): void {
  if (news.kind === 'settings') takeSettings(world, news.settings)
  else reportBroken(world, news.problem)
}

function takeSettings(world: World, settings: Settings): void {
  const { notify, problems, log } = world
  const { sinks, ping } = settings
  problems.clear(SETTINGS.source, SETTINGS.key)
  noteSettings(world, settings)
  notify.sinks = sinks
  notify.ping = ping
  const names = new Set(sinks.map(({ name }) => name))
  notify.outbox.keepSinks(names)
  for (const { source, key } of problems.list())
    if (source === SOURCE && !names.has(key)) problems.clear(source, key)
  if (names.size > 0) log.info({ sinks: [...names] }, 'Alarms are sent to the sinks of the settings')
}

/** Who can write the file decides who hears of alarms. */
function noteSettings(world: World, settings: Settings): void {
  const { sinks, ping } = world.notify
  const facts = describeSettingsChange(settings, { sinks: [...sinks], ping })
  if (!facts) return
  // A name of its own: work of the same name would be skipped while it runs.
  void world.background.run(`note the settings of ${world.clock.elapsed()}`, () =>
    writeOwnEntry(world, { who: 'backupd', verb: 'useSettings', facts }),
  )
}

function reportBroken({ problems, log }: World, problem: string): void {
  const text = `${problem}. The last good settings stay in force`
  log.error({}, text)
  problems.report({ ...SETTINGS, text })
}

/** Sends what is due, in the background; call it as often as you like. */
export function sendNotificationsSoon(world: World): void {
  for (const sink of world.notify.sinks) {
    if (!world.notify.outbox.findDue(sink.name)) continue
    void world.background.run(`send notifications to "${sink.name}"`, () => sendDue(world, sink))
  }
  if (world.notify.outbox.listUnsaved().length === 0) return
  void world.background.run('store which notifications were sent', () => storeOutcomes(world))
}

/** One after the other, so that they arrive in their order. */
async function sendDue(world: World, sink: NotifySink): Promise<void> {
  const { notify, history } = world
  for (
    let one = notify.outbox.findDue(sink.name);
    one && !history.closing;
    one = notify.outbox.findDue(sink.name)
  ) {
    await sendOne(world, sink, one)
    reportSink(world, sink)
  }
}

async function sendOne(world: World, { channel, name }: NotifySink, one: Notification): Promise<void> {
  const { notify, log } = world
  const facts = { sink: name, notification: one.id }
  try {
    const { isTaken, isFinal, answer } = await deliver(world, channel, one)
    if (isTaken) notify.outbox.noteSent(one, answer)
    else notify.outbox.noteFailure(one, answer, isFinal)
    if (isTaken) log.info({ ...facts, answer }, 'A notification was sent')
    else log.warn({ ...facts, answer }, `A notification was refused with ${answer}`)
  } catch (error) {
    // Nobody knows whether it arrived: the next start sends it again.
    if (notify.stop.aborted) return
    const answer = messageOf(error).slice(0, MAX_ANSWER)
    notify.outbox.noteFailure(one, answer, false)
    log.warn({ ...facts, answer }, 'A notification could not be sent; it is tried again')
  }
}

/** Throws if the receiver was not reached. */
function deliver(world: World, channel: NotifySink['channel'], one: Notification): Promise<SinkAnswer> {
  const { ports, settings, notify } = world
  if (channel.kind === 'webhook') return postOne(world, channel, one)
  return ports.mail.send(channel, makeMailMessage(one, settings.advertise), notify.stop)
}

async function postOne(
  { ports, clock, settings, notify }: World,
  webhook: Webhook,
  one: Notification,
): Promise<SinkAnswer> {
  const at = Math.floor(clock.now() / 1000)
  const message = makeWebhookMessage(webhook, one, { at, controller: settings.advertise })
  const status = await ports.webhooks.post(webhook.url, message, notify.stop)
  const isTaken = status >= 200 && status < 300
  return { isTaken, isFinal: FINAL_STATUSES.includes(status), answer: `HTTP ${status}` }
}

function reportSink({ notify, problems }: World, { name, channel }: NotifySink): void {
  const fault = notify.outbox.findFault(name)
  if (!fault) {
    problems.clear(SOURCE, name)
    return
  }
  const { host } = new URL(channel.kind === 'webhook' ? channel.url : channel.server)
  const sink = `the sink "${name}" on ${host}`
  const what =
    fault.kind === 'refused'
      ? `A notification was refused for good by ${sink}: ${fault.answer}. It is lost`
      : `Notifications do not reach ${sink}: ${fault.answer}. ${fault.waiting} wait`
  problems.report({ source: SOURCE, key: name, text: `${what}. Check the receiver and the settings` })
}

/** Stores what became of notifications. What fails is stored with the next call. */
export async function storeOutcomes({ notify, ports }: World): Promise<void> {
  const unsaved = notify.outbox.listUnsaved()
  if (unsaved.length === 0) return
  await ports.notifications.save(unsaved)
  notify.outbox.markSaved(unsaved)
}
