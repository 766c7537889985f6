import { randomBytes } from 'node:crypto'
import { isoTime } from '../lib/clock.ts'
import type { Json } from '../lib/errors.ts'
import { type AuditHead, EPOCH_VERB } from '../wire/audit-entry.ts'
import type { World } from './world.ts'

/** Every start writes one, so that only what began after it can be open. */
const START = { who: 'backupd', verb: 'startController' }

/** What was known of the chain beside the catalog; null: nothing, as before the first start. */
export type KnownHead = AuditHead | null

/**
 * Ends what a killed controller had begun, and begins a new epoch if the catalog is not the one that was last used here,
 * because a copy was restored: entries of the time between are missing then, and all sessions end, because some may have ended
 * in that time.
 * @param start what the entry says of this start
 */
export async function openAudit(world: World, known: KnownHead, start: Record<string, Json>): Promise<void> {
  const { audit } = world.ports
  const at = isoTime(world.clock.now())
  if (!(await isContinued(world, known))) await beginEpoch(world, known)
  for (const { id, verb } of await audit.findOpen(START.verb)) {
    const outcome = 'unknown: the controller stopped before it ended'
    await audit.write({ at, who: 'backupd', verb, facts: {}, outcome, begin: id })
  }
  await audit.write({ at, ...START, facts: start, outcome: 'done' })
}

async function isContinued({ ports: { audit } }: World, known: KnownHead): Promise<boolean> {
  const { head } = audit
  if (known === null) return head === null || head.hash === ''
  const hash = await audit.hashOf(known.id)
  return hash === known.hash || (hash === undefined && (await isPruned(audit, known.id)))
}

/** Whether an entry was deleted for its age: then newer ones exist, and the one after it does not. */
async function isPruned(audit: World['ports']['audit'], id: number): Promise<boolean> {
  return audit.head !== null && audit.head.id > id && (await audit.hashOf(id + 1)) === undefined
}

async function beginEpoch(world: World, known: KnownHead): Promise<void> {
  const { audit } = world.ports
  await world.sessions.removeAll()
  const facts = {
    epoch: randomBytes(8).toString('hex'),
    known: known && { ...known },
    found: audit.head && { ...audit.head },
  }
  const outcome = 'the catalog is not the one that was last used here: later entries are missing'
  await audit.write({ at: isoTime(world.clock.now()), who: 'backupd', verb: EPOCH_VERB, facts, outcome })
  world.log.warn(facts, 'The catalog is not the one that was last used here, so the audit begins a new epoch')
}

/** The log is elsewhere than the catalog: whoever changes both must reach both. */
export function logAuditHead({ ports: { audit }, log }: World): void {
  const { id, hash } = audit.head ?? { id: 0, hash: '' }
  log.info({ id, hash }, `The newest entry of the audit is ${id} with the hash ${hash}`)
}
