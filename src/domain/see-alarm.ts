import type { Alarm } from './alarms/alarm.ts'
import { seesApp, seesEverything, seesServer, type UserWorld } from './user-world.ts'

/**
 * Whether an alarm exists for the caller: it is about a volume of an own app, or about a server on which an own app has
 * volumes.
 * @param servers what was found out about servers already, for long lists
 */
export function seesAlarm(world: UserWorld, alarm: Alarm, servers = new Map<string, boolean>()): boolean {
  if (seesEverything(world)) return true
  if (alarm.apps.some((app) => seesApp(world, app))) return true
  return alarm.servers.some((ip) => {
    const isSeen = servers.get(ip) ?? seesServer(world, ip)
    servers.set(ip, isSeen)
    return isSeen
  })
}

/** Whether all that it says is about one own app; the texts of others may name any app. */
export function seesWholeAlarm(world: UserWorld, { target }: Alarm): boolean {
  return seesEverything(world) || (target.volume !== null && seesApp(world, target.volume.app))
}

const HIDDEN = 'those who may see everything are told'

/** The alarm without what the caller may not see. */
export function showAlarm(world: UserWorld, alarm: Alarm): Alarm {
  if (seesWholeAlarm(world, alarm)) return alarm
  const { acknowledged, target, kind } = alarm
  const isSeen = target.server !== null && seesServer(world, target.server)
  return {
    ...alarm,
    message: `${kind}: ${HIDDEN} why`,
    count: 1,
    target: { ...target, server: isSeen ? target.server : null },
    acknowledged: acknowledged && { ...acknowledged, by: HIDDEN, why: HIDDEN },
  }
}
