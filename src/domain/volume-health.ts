import { isoTime } from '../lib/clock.ts'
import { explainState, printTime } from './health/because.ts'
import { readStanding } from './health/entries.ts'
import type { JobEntry } from './health/job-entry.ts'
import {
  findWorst,
  joinStandings,
  listStates,
  rankState,
  type Standing,
  type VolumeState,
} from './health/states.ts'
import { findPlannedJob, type PlannedVolume } from './plan.ts'
import type { World } from './world.ts'

/** How the backups of a volume, or of one job, are. */
export interface VolumeHealth {
  /** The worst of `states`. */
  state: VolumeState
  /** All that hold, worst first. */
  states: VolumeState[]
  /** Why `state` holds, with facts. */
  because: string
  /** ISO 8601: since when `state` holds. */
  since: string
}

const NOT_TAKEN_OVER = 'The inventory has just named this volume; it is not judged yet'
const NO_JOBS = 'The inventory gives this volume no schedule of backups'

/** The present state; UNKNOWN for a volume of a plan that was not taken over yet. */
export function readVolumeState({ health }: World, volume: PlannedVolume): VolumeState {
  return health.findVolume(volume)?.state ?? 'UNKNOWN'
}

export function readVolumeHealth(world: World, volume: PlannedVolume): VolumeHealth {
  const jobs = world.health.findVolume(volume)?.jobs
  if (!jobs) return makeUnknown(world, NOT_TAKEN_OVER)
  return describeJobs(world, jobs)
}

/** null for an expire job, and for one that the plan does not have. */
export function readJobHealth(world: World, id: string): VolumeHealth | null {
  if (!findPlannedJob(world.inventory.plan, id)?.volume) return null
  const job = world.health.findJob(id)
  return job ? describeJobs(world, [job]) : makeUnknown(world, NOT_TAKEN_OVER)
}

function describeJobs(world: World, jobs: readonly JobEntry[]): VolumeHealth {
  // Deadlines are looked at once a minute; whoever asks gets the present state.
  for (const job of jobs) world.health.judge(job)
  const worst = jobs.toSorted((one, other) => rankJob(one) - rankJob(other))[0]
  if (!worst) return makeUnknown(world, NO_JOBS)
  const standing = joinStandings(jobs.map(readStanding))
  const state = findWorst(standing)
  return {
    state,
    states: listStates(standing),
    because: explainJob(world, worst, state),
    since: isoTime(standing[state] ?? 0),
  }
}

function rankJob(job: JobEntry): number {
  return rankState(findWorst(readStanding(job)))
}

function makeUnknown(world: World, because: string): VolumeHealth {
  const standing: Standing = { UNKNOWN: Date.parse(world.inventory.since) }
  return { state: 'UNKNOWN', states: listStates(standing), because, since: world.inventory.since }
}

function explainJob(world: World, entry: JobEntry, state: VolumeState): string {
  const { health, ledger } = world
  const facts = health.readFacts(entry)
  // Only the sentence of an overdue job needs its active run.
  const active = state === 'OVERDUE' ? ledger.findLiveOfJob(entry.planned.id) : undefined
  const activeSince = active ? Date.parse(active.start) : null
  const server = explainServer(world, entry)
  return explainState({ entry, facts, state, now: health.clock.now(), server, activeSince })
}

/** What keeps the server of an overdue job from running it. */
function explainServer({ servers }: World, { planned: { server, id } }: JobEntry): string {
  const known = servers.get(server)
  if (!known) return ''
  const dropped = known.conflict ?? known.dropped.get(id)
  if (dropped !== undefined) return dropped
  if (known.error === null) return ''
  const last =
    known.lastSeen === null
      ? 'has never answered'
      : `last answered at ${printTime(Date.parse(known.lastSeen))}`
  return `The daemon on ${server} ${last}`
}
