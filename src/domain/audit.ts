import { isoTime } from '../lib/clock.ts'
import { BackupdError, type Json, messageOf } from '../lib/errors.ts'
import { type Answer, isRefused } from './answer.ts'
import type { UserWorld } from './user-world.ts'

export interface AuditedRequest {
  verb: string
  facts: Record<string, Json>
}

/** Callers choose what is in an entry, also those who are refused. */
const MAX_TEXT = 8192

/** Runs `work` and writes an audit entry: who asked for what, and the outcome. */
export async function audited<T>(
  world: UserWorld,
  request: AuditedRequest,
  work: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  try {
    const answer = await work()
    await write(world, request, isRefused(answer) ? `refused: ${answer.refused} ${answer.message}` : 'done')
    return answer
  } catch (error) {
    const code = error instanceof BackupdError ? error.code : 'INTERNAL'
    await write(world, request, `failed: ${code} ${messageOf(error)}`)
    throw error
  }
}

async function write(world: UserWorld, asked: AuditedRequest, ended: string): Promise<void> {
  const { who } = world.caller
  const request = { ...asked, facts: shorten(asked.facts) }
  const outcome = ended.slice(0, MAX_TEXT)
  try {
    await world.ports.audit.write({ at: isoTime(world.clock.now()), who, ...request, outcome })
    world.problems.clear('audit', 'write')
  } catch (error) {
    world.log.error({ err: error, who, ...request, outcome }, 'An audit entry could not be written')
    const text = `Cannot write to the audit: ${messageOf(error)}. Later entries are in the log only`
    world.problems.report({ source: 'audit', key: 'write', text })
  }
}

function shorten(facts: AuditedRequest['facts']): AuditedRequest['facts'] {
  const text = JSON.stringify(facts)
  return text.length <= MAX_TEXT ? facts : { begin: text.slice(0, MAX_TEXT), characters: text.length }
}
