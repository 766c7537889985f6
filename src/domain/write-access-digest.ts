import { isoTime } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { World } from './world.ts'

/** Writes who signed in since the last call, one entry each. */
export async function writeSignIns(world: World): Promise<void> {
  for (const who of world.access.digest.takeSignIns()) await write(world, { who, verb: 'signIn', facts: {} })
}

/** Writes one entry for all refused requests since the last call that have none of their own. */
export async function writeRefusedRequests(world: World): Promise<void> {
  const refused = world.access.digest.takeRefused()
  if (!refused) return
  const { addresses, callers, others } = refused
  const facts = {
    addresses: addresses.map(({ address, counts }) => ({ address, ...counts })),
    ...(callers.length > 0 && {
      callers: callers.map(({ who, verb, counts }) => ({ who, verb, ...counts })),
    }),
    others,
  }
  await write(world, { who: 'backupd', verb: 'refusedRequests', facts })
}

async function write(
  { ports, clock, log, problems }: World,
  entry: { who: string; verb: string; facts: Record<string, unknown> },
): Promise<void> {
  try {
    await ports.audit.write({ at: isoTime(clock.now()), ...entry, outcome: 'done' })
  } catch (error) {
    const text = `Cannot write to the audit: ${messageOf(error)}. The log has what is missing there`
    log.error({ err: error, ...entry }, text)
    problems.report({ source: 'audit', key: 'write', text })
  }
}
