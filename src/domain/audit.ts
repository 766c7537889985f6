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

/** Callers choose what is in an entry, also those who are refused. */
const MAX_TEXT = 8192
const PROBLEM = { source: 'audit', key: 'write' }

/**
 * Runs `work` between two audit entries: who asks for what, and the outcome. If the first cannot be written, nothing is done.
 * If the second cannot, the next start adds one that says so.
 */
export async function audited<T>(
  world: UserWorld,
  request: AuditedRequest,
  work: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const begin = await writeBegin(world, request)
  const { verb } = request
  try {
    const answer = await work()
    const outcome = isRefused(answer) ? `refused: ${answer.refused} ${answer.message}` : 'done'
    await writeEnd(world, { verb, begin, outcome })
    return answer
  } catch (error) {
    const code = error instanceof BackupdError ? error.code : 'INTERNAL'
    await writeEnd(world, { verb, begin, outcome: `failed: ${code} ${messageOf(error)}` })
    throw error
  }
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

interface End {
  verb: string
  begin: number
  outcome: string
}

async function writeEnd(world: UserWorld, { outcome: whole, ...end }: End): Promise<void> {
  const outcome = whole.slice(0, MAX_TEXT)
  const { who } = world.caller
  try {
    await world.ports.audit.write({ at: isoTime(world.clock.now()), who, ...end, facts: {}, outcome })
  } catch (error) {
    world.log.error({ err: error, who, ...end, outcome }, 'The end of an audit entry could not be written')
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
