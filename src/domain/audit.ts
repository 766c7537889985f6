import { isoTime } from '../lib/clock.ts'
import { BackupdError, type Json, messageOf } from '../lib/errors.ts'
import { type AuditEntry, BEGUN } from '../wire/audit-entry.ts'
import type { ListCount, Page, Slice } from '../wire/listing.ts'
import { type Answer, isRefused, type Refused } from './answer.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { AuditFilter } from './ports.ts'
import type { UserWorld } from './user-world.ts'

export interface AuditedRequest {
  verb: string
  facts: Record<string, Json>
}

export interface AuditedWork<Found, T> {
  /** Finds what is asked for, or why it is refused; changes nothing. */
  check(): Answer<Found> | Promise<Answer<Found>>
  /** @param found what `check` found */
  act(found: Found): Promise<Answer<T>>
}

/** Callers choose what is in an entry, also those who are refused. */
const MAX_TEXT = 8192
const PROBLEM = { source: 'audit', key: 'write' }

/**
 * Does something between two audit entries: who asks for what, and the outcome. If the first cannot be written, nothing is
 * done. If the second cannot, the next start adds one that says so. What `check` refuses has one entry; what it refuses
 * again and again is only counted.
 */
export async function audited<Found, T>(
  world: UserWorld,
  request: AuditedRequest,
  { check, act }: AuditedWork<Found, T>,
): Promise<Answer<T>> {
  const found = await noteOutcome(world, { ...request, begin: null }, async () => check())
  if (isRefused(found)) return found
  const begin = await writeBegin(world, request)
  return noteOutcome(world, { ...request, begin }, () => act(found))
}

interface AuditedPart extends AuditedRequest {
  /** The id of the first entry; null while there is none, and then a success is not noted. */
  begin: number | null
}

async function noteOutcome<T>(
  world: UserWorld,
  part: AuditedPart,
  work: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  try {
    const answer = await work()
    if (isRefused(answer))
      await writeFailure(world, part, { ...answer, how: 'refused', code: answer.refused })
    else if (part.begin !== null) await writeEnd(world, part, 'done')
    return answer
  } catch (error) {
    const code = error instanceof BackupdError ? error.code : 'INTERNAL'
    await writeFailure(world, part, { how: 'failed', code, message: messageOf(error) })
    throw error
  }
}

interface Failure {
  how: 'refused' | 'failed'
  code: string
  message: string
}

/** Nothing was begun if there is no first entry: then a caller cannot fill the audit with the same request. */
async function writeFailure(
  world: UserWorld,
  part: AuditedPart,
  { how, code, message }: Failure,
): Promise<void> {
  const { access, caller } = world
  if (part.begin === null && !access.digest.noteAttempt(caller.who, part.verb, code)) return
  await writeEnd(world, part, `${how}: ${code} ${message}`)
}

async function writeBegin(world: UserWorld, { verb, facts }: AuditedRequest): Promise<number> {
  const { who } = world.caller
  const entry = { at: isoTime(world.clock.now()), who, verb, facts: shorten(facts), outcome: BEGUN }
  try {
    const id = await world.ports.audit.write(entry)
    world.problems.clear(PROBLEM.source, PROBLEM.key)
    return id
  } catch (cause) {
    const text = `Cannot write to the audit: ${messageOf(cause)}. Whatever would be written there is refused until it can be`
    world.log.error({ err: cause, ...entry }, text)
    world.problems.report({ ...PROBLEM, text })
    const code = cause instanceof BackupdError ? cause.code : 'CATALOG_UNUSABLE'
    const message = `Nothing was done, because the audit cannot be written: ${messageOf(cause)}`
    throw new BackupdError(code, message, { cause })
  }
}

/** The first entry has the facts, unless this is the only one. */
async function writeEnd(world: UserWorld, { verb, facts, begin }: AuditedPart, whole: string): Promise<void> {
  const outcome = whole.slice(0, MAX_TEXT)
  const { who } = world.caller
  const told = begin === null ? { facts: shorten(facts) } : { facts: {}, begin }
  const end = { who, verb, ...told, outcome }
  try {
    await world.ports.audit.write({ at: isoTime(world.clock.now()), ...end })
  } catch (error) {
    world.log.error({ err: error, ...end }, 'The end of an audit entry could not be written')
    const text = `Cannot write to the audit: ${messageOf(error)}. The log has the outcome of what was done`
    world.problems.report({ ...PROBLEM, text })
  }
}

function shorten(facts: AuditedRequest['facts']): AuditedRequest['facts'] {
  const text = JSON.stringify(facts)
  return text.length <= MAX_TEXT ? facts : { begin: text.slice(0, MAX_TEXT), characters: text.length }
}

/** Who did what, newest first. Callers have names and addresses there, so it takes an admin of everything. */
export async function findAuditEntries(
  world: UserWorld,
  filter: AuditFilter,
  page: Page,
): Promise<Answer<Slice<AuditEntry>>> {
  return refuseUnlessMayRead(world) ?? (await world.ports.audit.find(filter, page))
}

export async function countAuditEntries(world: UserWorld, filter: AuditFilter): Promise<Answer<ListCount>> {
  return refuseUnlessMayRead(world) ?? (await world.ports.audit.count(filter))
}

function refuseUnlessMayRead(world: UserWorld): Refused | undefined {
  return refuseUnlessPermitted(world, 'audit', 'everything')
}
