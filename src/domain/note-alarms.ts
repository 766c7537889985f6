import type { AlarmKind } from './alarms/alarm.ts'
import { makeControllerItem, makeServerItem, makeVolumeItem, nameServer } from './alarms/alarm-items.ts'
import { type AlarmFinding, isAlarmKind, makeFinding } from './alarms/alarm-rules.ts'
import { CONTROLLER_STATES } from './health/controller-rules.ts'
import { forecastStore } from './health/forecast.ts'
import type { VolumeEntry } from './health/job-entry.ts'
import { SERVER_STATES } from './health/server-rules.ts'
import type { PlannedVolume } from './plan.ts'
import { listOwnFindings, listServerFindings } from './read-whole-health.ts'
import type { ServerState } from './server-state.ts'
import { isPausedForLong } from './update-health.ts'
import type { World } from './world.ts'

/** From now on, each change of a volume's health is noted. */
export function listenToHealth(world: World): void {
  world.health.volumes.listener = {
    changed(entry) {
      if (world.alarms.gate.isOpen(entry.planned.server)) noteVolume(world, entry, false)
    },
    left: (volume: PlannedVolume) => world.alarms.board.note(makeVolumeItem(volume), null),
  }
}

function noteVolume(world: World, entry: VolumeEntry, isOld: boolean): void {
  world.alarms.board.note(makeVolumeItem(entry.planned), findVolumeFault(world, entry), isOld)
}

/** A pause is meant at first. */
function findVolumeFault({ health }: World, { state, jobs }: VolumeEntry): AlarmFinding | null {
  const isMeant = state === 'PAUSED' && !jobs.some((job) => isPausedForLong(job, health.clock.now()))
  return isMeant || !isAlarmKind(state) ? null : makeFinding(state)
}

/** Call it after each question for a daemon's state, also if there was no answer. */
export function noteServerAlarms(world: World, server: ServerState): void {
  const { gate } = world.alarms
  if (server.debug && server.error === null) gate.noteAnswer(server.ip, server.debug.newsWaitingMs)
  if (gate.isOpen(server.ip)) noteServer(world, server, false)
}

function noteServer(world: World, server: ServerState, isOld: boolean): void {
  if (!world.servers.has(server.ip)) return
  const states = new Set(listServerFindings(world, server).map(({ state }) => state))
  for (const state of SERVER_STATES) {
    if (!isAlarmKind(state)) continue
    const finding = states.has(state) ? makeServerFinding(world, server.ip, state) : null
    world.alarms.board.note(makeServerItem(server.ip, state, server.debug?.store?.place), finding, isOld)
  }
}

/** A store that is full already is worse than one that will be. */
function makeServerFinding({ health }: World, ip: string, kind: AlarmKind): AlarmFinding {
  const isFull = kind === 'STORE_FULL' && forecastStore(health.stores.list(ip)).isFull
  return makeFinding(kind, isFull ? { severity: 'CRITICAL' } : {})
}

/** Begins to judge a server and its volumes. @param isOld what is wrong is raised at once */
export function openAlarmGate(world: World, server: ServerState, isOld: boolean): void {
  const { gate, board } = world.alarms
  gate.open(server.ip)
  noteServer(world, server, isOld)
  for (const volume of listVolumesOn(world, server.ip)) {
    const entry = world.health.findVolume(volume)
    if (entry) noteVolume(world, entry, isOld)
  }
  board.settle(nameServer(server.ip))
}

/** Whether everything that a daemon and the catalog know of its volumes has been read since the start. */
export function isServerKnown(world: World, { ip }: ServerState): boolean {
  if (!world.alarms.gate.isReady(ip, world.newsGate.isBehind(ip))) return false
  if (world.alarms.gate.isTimeUp) return true
  return listVolumesOn(world, ip).every((volume) =>
    world.health.findVolume(volume)?.jobs.every(({ isLoaded }) => isLoaded),
  )
}

function listVolumesOn({ inventory }: World, ip: string): readonly PlannedVolume[] {
  return inventory.plan.parts.servers.get(ip)?.volumes ?? []
}

/** Call it when a server is no longer known. */
export function forgetServerAlarms({ alarms }: World, ip: string): void {
  for (const state of SERVER_STATES)
    if (isAlarmKind(state)) alarms.board.note(makeServerItem(ip, state), null)
  alarms.gate.forget(ip)
}

/** What is wrong with the controller itself. */
export async function noteOwnAlarms(world: World): Promise<void> {
  const found = new Map<string, string[]>()
  for (const { state, because } of await listOwnFindings(world))
    found.set(state, [...(found.get(state) ?? []), because])
  world.alarms.ownReasons = found
  for (const state of CONTROLLER_STATES) {
    if (!isAlarmKind(state)) continue
    const size = found.get(state)?.length ?? 0
    world.alarms.board.note(makeControllerItem(state), size > 0 ? makeFinding(state, { size }) : null)
  }
}
