import { isoTime } from '../lib/clock.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { hasCapability } from '../wire/capabilities.ts'
import { type BackupPin, isPinReason, leaveOutEndedPins, MAX_PIN_REASON, parsePin } from '../wire/pin.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type BackupName, locatePermitted } from './backups.ts'
import { relistSoon } from './listing.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow, type World } from './world.ts'

export interface PinnedName extends BackupName {
  /** Of an increment, whose snapshots are pinned one by one. */
  snapshot?: string | undefined
}

export interface HoldRequest {
  target: PinnedName
  reason: string
  /** Unix ms; null: until it is released. */
  until: number | null
}

/**
 * Pins a full backup or a snapshot: nothing deletes it until the pin is released, or ends. It lies beside the data, where the
 * daemon in whose namespace the backup lies puts it.
 */
export function holdBackup(world: UserWorld, request: HoldRequest): Promise<Answer<BackupPin>> {
  const { target, reason } = request
  const until = request.until === null ? null : isoTime(request.until)
  const facts = { ...toFacts(target), reason: reason.slice(0, MAX_PIN_REASON), until }
  return audited(
    world,
    { verb: 'hold', facts },
    {
      async check() {
        const backup = await locatePinnable(world, target)
        return isRefused(backup) ? backup : (refuseInvalidPin(world, request) ?? backup)
      },
      act: ({ server: namespace, name }) => {
        const pin = { by: world.caller.who, reason, until }
        return changePins(world, namespace, () =>
          world.ports.daemon.ask(namespace, 'addPin', { namespace, name, ...pickSnapshot(target), ...pin }),
        )
      },
    },
  )
}

export interface ReleaseRequest {
  target: PinnedName
  /** The id of the pin; the only one if it is left out. */
  pin?: string | undefined
}

/** Releases one pin, and returns it. */
export function releaseBackup(world: UserWorld, { target, pin }: ReleaseRequest): Promise<Answer<BackupPin>> {
  return audited(
    world,
    { verb: 'release', facts: { ...toFacts(target), pin: pin ?? null } },
    {
      check: () => locatePinnable(world, target),
      act: ({ server: namespace, name }) => {
        const args = { namespace, name, ...pickSnapshot(target), pin: pin ?? null }
        return changePins(world, namespace, () => world.ports.daemon.ask(namespace, 'releasePin', args))
      },
    },
  )
}

/** What keeps a backup or a snapshot now. Pins that have ended stay beside the data until the next change there. */
export function listHolds(world: World, holds: readonly string[]): string[] {
  return leaveOutEndedPins(holds, trustedNow(world))
}

function refuseInvalidPin(world: World, { reason, until }: HoldRequest): Refused | undefined {
  const refuseInput = (what: string) => refuse('BAD_INPUT', `Cannot pin the backup: ${what}`)
  if (!isPinReason(reason))
    return refuseInput(`"reason" has ${reason.length} characters, expected 1 to ${MAX_PIN_REASON}`)
  if (until !== null && until <= trustedNow(world))
    return refuseInput('the time "until" has passed, expected a later one')
  return undefined
}

async function locatePinnable(world: UserWorld, target: PinnedName): Promise<Answer<BackupInfo>> {
  const backup = await locatePermitted(world, target, 'hold')
  if (isRefused(backup)) return backup
  return refuseOldDaemon(world, backup.server) ?? backup
}

/** An older daemon would keep a full backup that is marked, but might delete a snapshot. */
function refuseOldDaemon({ servers }: World, server: string): Refused | undefined {
  const debug = servers.get(server)?.debug
  if (!debug || hasCapability(debug, 'pins')) return undefined
  const message = `The daemon on ${server} is older than the controller, and cannot pin backups or release them: upgrade it`
  return refuse('DAEMON_REFUSED', message, { server })
}

async function changePins(world: World, ip: string, ask: () => Promise<{ pin: string }>): Promise<BackupPin> {
  try {
    return parsePin((await ask()).pin)
  } finally {
    // Even if it failed, it may be done.
    const server = world.servers.get(ip)
    if (server) relistSoon(world, server)
  }
}

function pickSnapshot({ snapshot }: PinnedName) {
  return { snapshot: snapshot ?? null }
}

function toFacts({ app, proc, name, server, snapshot }: PinnedName) {
  return { app, proc, name, server: server ?? null, snapshot: snapshot ?? null }
}
