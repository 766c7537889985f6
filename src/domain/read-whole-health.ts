import { limitTexts } from '../lib/problems.ts'
import type { Page } from '../wire/listing.ts'
import { type ControllerHealthState, judgeController } from './health/controller-rules.ts'
import { forecastStore } from './health/forecast.ts'
import { type Finding, judgeServer, SERVER_STATES, type ServerHealthState } from './health/server-rules.ts'
import { VOLUME_STATES, type VolumeState } from './health/states.ts'
import { summarize } from './health/summary.ts'
import { readCatalogProblem } from './health.ts'
import { findWorstFirst } from './list-worst-first.ts'
import type { PlannedVolume } from './plan.ts'
import type { ServerState } from './server-state.ts'
import { seesApp, seesEverything, seesServer, type UserWorld } from './user-world.ts'
import { readVolumeHealth, readVolumeState } from './volume-health.ts'
import type { World } from './world.ts'

/** "Am I safe?", for everything that the controller knows. */
export interface WholeHealth {
  summary: string
  /** Of the worst volume; OK if there is none. */
  state: VolumeState
  volumes: number
  counts: { state: VolumeState; volumes: number }[]
  servers: { state: ServerHealthState; servers: number }[]
  controller: JudgedHealth<ControllerHealthState>
}

export interface JudgedHealth<State> {
  /** The worst of `states`. */
  state: State
  states: State[]
  /** One sentence for each state, worst first. */
  because: string[]
}

/** Of what the caller may see. */
export async function readWholeHealth(world: UserWorld): Promise<WholeHealth> {
  const controller = hideReasons(world, await readOwnHealth(world))
  const counts = seesEverything(world) ? countByState(world) : countSeen(world)
  const servers = countServers(world)
  const state = VOLUME_STATES.find((each) => (counts.get(each) ?? 0) > 0) ?? 'OK'
  const summary = summarize({
    counts,
    proven: countProven(world),
    worst: state === 'OK' ? null : describeWorst(world),
    controller: controller.state === 'OK' ? [] : controller.because,
    servers: [...servers].filter(([each]) => each !== 'OK').map(describeServers),
  })
  return {
    summary,
    state,
    volumes: countKnown(world, counts),
    counts: [...counts].map(([each, volumes]) => ({ state: each, volumes })),
    servers: [...servers].map(([each, count]) => ({ state: each, servers: count })),
    controller,
  }
}

/** The health of the controller itself. */
export async function readOwnHealth(world: World): Promise<JudgedHealth<ControllerHealthState>> {
  return toHealth(await listOwnFindings(world))
}

export async function listOwnFindings(world: World): Promise<Finding<ControllerHealthState>[]> {
  const { problems, servers, inventory, health } = world
  const own = problems.list().filter(({ about }) => about === undefined || !servers.has(about))
  const catalogProblem = await readCatalogProblem(world)
  const { isFrozen } = health.clock
  return judgeController({ catalogProblem, inventory, problems: own, isFrozen })
}

function toHealth<State>(findings: readonly Finding<State>[]): JudgedHealth<State> {
  const states = [...new Set(findings.map(({ state }) => state))]
  const because = limitTexts(
    findings.map((finding) => finding.because),
    MAX_REASONS,
  )
  return { state: states[0] as State, states, because }
}

/** Each volume by its worst state, in the order of the states; the volumes of a plan that was not taken over yet are UNKNOWN. */
export function countByState({ health, inventory }: World): Map<VolumeState, number> {
  const counts = new Map(VOLUME_STATES.map((state) => [state, health.volumes.listIn(state).size]))
  const known = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const missing = Math.max(inventory.plan.volumes.length - known, 0)
  return counts.set('UNKNOWN', (counts.get('UNKNOWN') ?? 0) + missing)
}

/** One fault can be a problem of thousands of things. */
const MAX_REASONS = 10
const FIRST: Page = { first: 1 }

/** The reasons may name any app. */
function hideReasons<State>(
  world: UserWorld,
  { because, ...judged }: JudgedHealth<State>,
): JudgedHealth<State> {
  if (seesEverything(world)) return { ...judged, because }
  const tell = (state: State) =>
    state === 'OK' ? 'Nothing is wrong' : `${state}: those who may see everything are told why`
  return { ...judged, because: judged.states.map(tell) }
}

function countKnown(world: UserWorld, seen: ReadonlyMap<VolumeState, number>): number {
  if (seesEverything(world)) return world.inventory.plan.volumes.length
  return [...seen.values()].reduce((sum, count) => sum + count, 0)
}

function countProven(world: UserWorld): number {
  const { health, inventory } = world
  if (seesEverything(world)) return health.volumes.provenCount
  return inventory.plan.volumes.filter(
    (volume) => seesApp(world, volume.app) && health.isVolumeProven(volume),
  ).length
}

function countSeen(world: UserWorld): Map<VolumeState, number> {
  const counts = new Map(VOLUME_STATES.map((state) => [state, 0]))
  for (const volume of world.inventory.plan.volumes) {
    if (!seesApp(world, volume.app)) continue
    const state = readVolumeState(world, volume)
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}

function describeWorst(world: UserWorld): string | null {
  const candidates = world.inventory.plan.volumes
  const matches = ({ app }: PlannedVolume) => seesApp(world, app)
  const [worst] = findWorstFirst(world, { candidates, isWhole: true, matches }, FIRST).items
  if (!worst) return null
  const { name, proc, instanceNo } = worst.node
  return `${name} of ${proc}, instance ${instanceNo}: ${readVolumeHealth(world, worst.node).because}`
}

/** In the order of the states, each server by its worst one. */
function countServers(world: UserWorld): Map<ServerHealthState, number> {
  const servers = [...world.servers.values()].filter(({ ip }) => seesServer(world, ip))
  const states = servers.map((server) => readServerHealth(world, server).state)
  const counts = Map.groupBy(states, (state) => state)
  return new Map(
    SERVER_STATES.flatMap((state) => (counts.has(state) ? [[state, counts.get(state)?.length ?? 0]] : [])),
  )
}

function describeServers([state, count]: [ServerHealthState, number]): string {
  return `${count} ${count === 1 ? 'server is' : 'servers are'} ${state}`
}

/** Of a server that exists for the caller. Its reasons count what lies there, of any app. */
export function readShownServerHealth(
  world: UserWorld,
  server: ServerState,
): JudgedHealth<ServerHealthState> {
  return hideReasons(world, readServerHealth(world, server))
}

export function readServerHealth(world: World, server: ServerState): JudgedHealth<ServerHealthState> {
  return toHealth(listServerFindings(world, server))
}

export function listServerFindings({ health }: World, server: ServerState): Finding<ServerHealthState>[] {
  const forecast = forecastStore(health.stores.list(server.ip))
  const clockOffsetMs = health.clock.isFrozen ? 0 : health.servers.readClockOffset(server.ip)
  return judgeServer({ server, forecast, clockOffsetMs })
}
