import type { PlannedVolume } from '../plan.ts'
import type { AlarmKind, AlarmTarget } from './alarm.ts'
import type { AlarmFinding } from './alarm-rules.ts'

/** Something that can be wrong. */
export interface AlarmItem {
  key: string
  /** What it belongs to: a server by `nameServer()`, a store, or CONTROLLER. */
  parent: string
  target: AlarmTarget
}

export const CONTROLLER = 'controller'
const SERVER = 'server '

export function nameServer(ip: string): string {
  return `${SERVER}${ip}`
}

/** The IP of a server; null for the controller and for a store. */
export function findServerOfParent(parent: string): string | null {
  return parent.startsWith(SERVER) ? parent.slice(SERVER.length) : null
}

/** A volume has one alarm, whose kind is its worst state. */
export function makeVolumeItem({ app, proc, instanceNo, name, server }: PlannedVolume): AlarmItem {
  const volume = { app, proc, instanceNo, name }
  return {
    key: `volume ${server} ${JSON.stringify([app, proc, instanceNo, name])}`,
    parent: nameServer(server),
    target: { type: 'VOLUME', server, volume },
  }
}

const OF_STORE: readonly AlarmKind[] = ['STORE_UNAVAILABLE', 'STORE_FULL']
const STORE = 'store '

/**
 * A server has an alarm for each of its states.
 * @param place of its store, if others can share it: then the fault belongs to the store
 */
export function makeServerItem(server: string, kind: AlarmKind, place?: string): AlarmItem {
  const isOfStore = OF_STORE.includes(kind)
  const parent = isOfStore && place !== undefined ? `${STORE}${place}` : CONTROLLER
  const target = { type: isOfStore ? 'STORE' : 'SERVER', server, volume: null } as const
  return { key: `server ${server} ${kind}`, parent, target }
}

/** Whether the faults that belong to it always have one alarm together. */
export function isStore(parent: string): boolean {
  return parent.startsWith(STORE)
}

/** How a message begins about several faults of one kind. */
export function describeGroup(parent: string, kind: AlarmKind, count: number): string {
  const server = findServerOfParent(parent)
  if (server !== null) return `${count} volumes on ${server} are ${kind}`
  if (!isStore(parent)) return `${count} servers are ${kind}`
  return `${kind}: the store ${parent.slice(STORE.length)}, which ${count === 1 ? '1 server uses' : `${count} servers use`}`
}

export function makeControllerItem(kind: AlarmKind): AlarmItem {
  const target = { type: 'CONTROLLER', server: null, volume: null } as const
  return { key: `controller ${kind}`, parent: CONTROLLER, target }
}

/** What an alarm for several faults of one kind is about. */
export function makeGroupTarget(parent: string, kind: AlarmKind): AlarmTarget {
  const server = findServerOfParent(parent)
  if (server !== null) return { type: 'SERVER', server, volume: null }
  return { type: OF_STORE.includes(kind) ? 'STORE' : 'CONTROLLER', server: null, volume: null }
}

export function makeLineKey(
  parent: string,
  { kind, severity }: Pick<AlarmFinding, 'kind' | 'severity'>,
): string {
  return `many ${parent} ${kind} ${severity}`
}
