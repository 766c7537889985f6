import { messageOf } from '../lib/errors.ts'
import { HOUR_MS } from '../lib/time-units.ts'
import { POLL_EVERY_MS } from './servers.ts'
import type { World } from './world.ts'

const WORK = 'send the ping'
const PING_EVERY_MS = 60_000
/** Polls are spread, and a daemon that hangs takes its time. */
const MAX_POLL_GAP_MS = 4 * POLL_EVERY_MS
const OWN_FAULTS = ['CATALOG_BROKEN', 'CATALOG_DISK']
const MAX_BODY = 2000

/** Tells somebody outside each minute that the controller works, or what is wrong with it; call it as often as you like. */
export function pingSoon(world: World): void {
  const { notify, clock } = world
  // One that was taken out of the settings has no failures any more.
  if (!notify.ping) world.background.forget(WORK)
  if (!notify.ping || clock.elapsed() - notify.pingedAt < PING_EVERY_MS) return
  notify.pingedAt = clock.elapsed()
  void world.background.run(WORK, () => sendPing(world))
}

async function sendPing(world: World): Promise<void> {
  const { notify, ports } = world
  const faults = await listFaults(world)
  if (!notify.ping) return
  const { url, failUrl } = notify.ping
  const body = faults.length === 0 ? 'ok' : faults.join('\n').slice(0, MAX_BODY)
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'backupd' }
  const status = await ports.webhooks.post(
    faults.length === 0 ? url : failUrl,
    { headers, body },
    notify.stop,
  )
  if (status < 200 || status >= 300) throw new Error(`${new URL(url).host} answered HTTP ${status}`)
}

/** What keeps the controller from doing its work. A daemon that is down is told by alarms. */
async function listFaults(world: World): Promise<string[]> {
  const { notify, servers, clock, alarms } = world
  const unwritten = await findWriteFault(world)
  const isPolling = servers.size === 0 || clock.elapsed() - notify.polledAt < MAX_POLL_GAP_MS
  const dead = notify.sinks.filter(({ name }) => notify.outbox.isDead(name, HOUR_MS))
  return [
    ...(unwritten === null ? [] : [`The catalog cannot be written: ${unwritten}`]),
    ...OWN_FAULTS.flatMap((state) => alarms.ownReasons.get(state) ?? []),
    ...(isPolling ? [] : ['No daemon was asked for its state for minutes']),
    ...dead.map(({ name }) => `Notifications have not reached the sink "${name}" for an hour`),
  ]
}

/** Writes what is there already, which takes a transaction as any write does. */
async function findWriteFault({ ports, alarms }: World): Promise<string | null> {
  try {
    await ports.alarms.saveRules(alarms.book.rules ?? '')
    return null
  } catch (error) {
    return messageOf(error)
  }
}
