import type { World } from './world.ts'
import { writeOwnEntry } from './write-own-entry.ts'

/** Writes who signed in since the last call, one entry each. */
export async function writeSignIns(world: World): Promise<void> {
  for (const who of world.access.digest.takeSignIns())
    await writeOwnEntry(world, { who, verb: 'signIn', facts: {} })
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
  await writeOwnEntry(world, { who: 'backupd', verb: 'refusedRequests', facts })
}
