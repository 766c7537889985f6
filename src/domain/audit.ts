import { isoTime } from '../lib/clock.ts'
import { BackupdError, type Json, messageOf } from '../lib/errors.ts'
import { type Answer, isRefused } from './answer.ts'
import type { UserWorld } from './user-world.ts'

export interface AuditedRequest {
  verb: string
  facts: Record<string, Json>
}

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

async function write(world: UserWorld, request: AuditedRequest, outcome: string): Promise<void> {
  const { who } = world.caller
  try {
    await world.ports.audit.write({ at: isoTime(world.clock.now()), who, ...request, outcome })
    world.problems.clear('audit', 'write')
  } catch (error) {
    world.log.error({ err: error, who, ...request, outcome }, 'An audit entry could not be written')
    const text = `Cannot write to the audit: ${messageOf(error)}. Later entries are in the log only`
    world.problems.report({ source: 'audit', key: 'write', text })
  }
}
