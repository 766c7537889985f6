import type { EndedRun, VolumeCondition } from '../health-ports.ts'
import type { Standing, VolumeState } from './states.ts'

/** All that the state of one job follows from. Times are unix ms. */
export interface JobFacts {
  /** The job sleeps, or its scheduler is stopped; null if it runs. */
  pausedSince: number | null
  /** The newest run that has ended. */
  lastRun: EndedRun | null
  condition: VolumeCondition
  /** When its planned times began to count: first sight, the last change of its schedule, or the last wake. */
  countedFrom: number
  /** The first planned time since it counts; null if there is none. */
  firstDue: number | null
  /** The first planned time after which no run has ended; null if there is none. */
  due: number | null
  /** When the proof of a good backup becomes too old; null if its backups are not verified on a schedule. */
  provenUntil: number | null
  /** How long after its planned time a run must have ended; null: not known yet. */
  graceMs: number | null
}

/** A run that ended in one of these did not make a backup. */
const FAILED: ReadonlySet<EndedRun['state']> = new Set(['failed', 'cancelled', 'lost'])

/**
 * The states of one job. A state that held before keeps its beginning, and NEVER ends only with a good backup, so that an
 * edited schedule does not hide it.
 * @param now the time by which planned times pass; it stands still while the controller's clock is in doubt
 */
export function judgeJob(facts: JobFacts, before: Standing, now: number): Standing {
  const found = [...findStates(facts, before, now)]
  if (found.length === 0) found.push(describeQuiet(facts, before, now))
  return Object.fromEntries(found)
}

function* findStates(facts: JobFacts, before: Standing, now: number): Generator<[VolumeState, number]> {
  const { lastRun, pausedSince, condition } = facts
  const { newest, lastGoodAt } = condition
  if (newest?.corrupt != null) yield ['CORRUPT', before.CORRUPT ?? now]
  if (lastGoodAt === null) yield* findMissing(facts, before, now)
  if (pausedSince === null) yield* findLate(facts, before, now)
  if (lastRun && FAILED.has(lastRun.state)) yield ['FAILING', before.FAILING ?? lastRun.at]
  if (newest?.suspect != null) yield ['SUSPECT', before.SUSPECT ?? newest.at]
  else if (isPartial(facts)) yield ['PARTIAL', before.PARTIAL ?? newest?.at ?? lastRun?.at ?? now]
  if (condition.unusual) yield ['UNUSUAL', before.UNUSUAL ?? condition.unusual.at]
  if (isUnproven(facts, now)) yield ['UNPROVEN', before.UNPROVEN ?? facts.provenUntil ?? now]
  if (pausedSince !== null) yield ['PAUSED', pausedSince]
}

/** No planned time passes while the job is paused. */
function* findMissing(facts: JobFacts, { NEVER }: Standing, now: number): Generator<[VolumeState, number]> {
  const end = facts.pausedSince === null ? readDeadline(facts.firstDue, facts.graceMs) : null
  if (NEVER !== undefined) yield ['NEVER', NEVER]
  else if (end !== null && end <= now) yield ['NEVER', end]
}

function* findLate(facts: JobFacts, { OVERDUE }: Standing, now: number): Generator<[VolumeState, number]> {
  const { due, graceMs } = facts
  // The grace is being measured, and no run has ended since.
  if (graceMs === null && OVERDUE !== undefined && due !== null && due < OVERDUE) yield ['OVERDUE', OVERDUE]
  const end = readDeadline(due, graceMs)
  if (end !== null && end <= now) yield ['OVERDUE', end]
}

function readDeadline(due: number | null, graceMs: number | null): number | null {
  return due === null || graceMs === null ? null : due + graceMs
}

function isPartial({ lastRun, condition: { newest } }: JobFacts): boolean {
  return lastRun?.state === 'partial' || newest?.state === 'partial'
}

/** Without a good backup there is nothing to prove, and other states say so. */
function isUnproven({ provenUntil, condition }: JobFacts, now: number): boolean {
  return condition.lastGoodAt !== null && provenUntil !== null && provenUntil <= now
}

/** Nothing is wrong: OK with a good backup, UNKNOWN if the first one is not due yet or no run is planned at all. */
function describeQuiet(facts: JobFacts, before: Standing, now: number): [VolumeState, number] {
  const { lastGoodAt } = facts.condition
  if (lastGoodAt === null || facts.due === null) return ['UNKNOWN', before.UNKNOWN ?? facts.countedFrom]
  const isFirst = Object.keys(before).length === 0
  return ['OK', before.OK ?? (isFirst ? lastGoodAt : now)]
}

/**
 * When the planned runs of a job must have ended, unix ms; none while it is paused.
 * @param minGraceMs counts while the grace is not known
 */
export function listDeadlines(
  { pausedSince, firstDue, due, graceMs }: JobFacts,
  minGraceMs: number,
): number[] {
  const planned = pausedSince === null ? [firstDue, due] : []
  return planned.map((time) => readDeadline(time, graceMs ?? minGraceMs)).filter((time) => time !== null)
}
