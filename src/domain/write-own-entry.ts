import { isoTime } from '../lib/clock.ts'
import { type Json, messageOf } from '../lib/errors.ts'
import type { World } from './world.ts'

interface OwnEntry {
  who: string
  verb: string
  facts: Record<string, Json>
}

/** Adds to the audit what happened without a request that waits for it. Never rejects: what is missing there is logged. */
export async function writeOwnEntry({ ports, clock, log, problems }: World, entry: OwnEntry): Promise<void> {
  try {
    await ports.audit.write({ at: isoTime(clock.now()), ...entry, outcome: 'done' })
  } catch (error) {
    const text = `Cannot write to the audit: ${messageOf(error)}. The log has what is missing there`
    log.error({ err: error, ...entry }, text)
    problems.report({ source: 'audit', key: 'write', text })
  }
}
