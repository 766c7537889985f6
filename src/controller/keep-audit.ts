import { type KnownHead, logAuditHead, openAudit } from '../domain/open-audit.ts'
import type { World } from '../domain/world.ts'
import { writeRefusedRequests, writeSignIns } from '../domain/write-access-digest.ts'
import { type Json, messageOf } from '../lib/errors.ts'
import { DAY_MS } from '../lib/time-units.ts'
import { AuditHeadFile } from './audit-head-file.ts'
import type { ControllerOptions } from './controller-options.ts'
import { describeStart } from './describe-start.ts'

const SAVE_INTERVAL_MS = 1000
const SIGN_IN_INTERVAL_MS = 10_000
/** Long, because callers without a token decide how much is refused. */
const REFUSED_INTERVAL_MS = 600_000

/** Opens the audit, notes its newest entry beside the catalog, and logs it every day, until `parts` are disposed. */
export async function keepAudit(
  world: World,
  options: ControllerOptions,
  parts: AsyncDisposableStack,
): Promise<void> {
  const { audit } = world.ports
  const file = new AuditHeadFile(options.dataDir, world.problems)
  await openOrReport(world, await file.read(), describeStart(options))
  await file.save(audit.head)
  logAuditHead(world)
  const saveTimer = setInterval(() => void file.save(audit.head), SAVE_INTERVAL_MS)
  const logTimer = setInterval(() => logAuditHead(world), DAY_MS)
  const signInTimer = setInterval(() => void writeSignIns(world), SIGN_IN_INTERVAL_MS)
  const refusedTimer = setInterval(() => void writeRefusedRequests(world), REFUSED_INTERVAL_MS)
  parts.defer(async () => {
    for (const timer of [saveTimer, logTimer, signInTimer, refusedTimer]) clearInterval(timer)
    await writeSignIns(world)
    await writeRefusedRequests(world)
    await file.save(audit.head)
  })
}

/** A full disk does not keep the controller from its start: then the next start does it. */
async function openOrReport(world: World, known: KnownHead, start: Record<string, Json>): Promise<void> {
  try {
    await openAudit(world, known, start)
  } catch (error) {
    const text = `Cannot write to the audit at the start: ${messageOf(error)}. Runs that were interrupted have no end there until the next start`
    world.log.error({ err: error }, text)
    world.problems.report({ source: 'audit', key: 'start', text })
  }
}
