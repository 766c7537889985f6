import { BackupdError } from '../lib/errors.ts'
import { hasCapability } from '../wire/capabilities.ts'
import { encodeCursor, parseCursor } from '../wire/cursor.ts'
import type { Page, Slice } from '../wire/listing.ts'
import { PageGuard } from '../wire/page-guard.ts'
import type { KeptStep, StepKind, StepPage } from '../wire/planned-step.ts'
import type { RunRecord } from '../wire/record.ts'
import type { World } from './world.ts'

const CURSOR = 'step'

/** A page of the steps of a plan, which its daemon has. Throws DAEMON_UNREACHABLE, DAEMON_REFUSED, NOT_FOUND, BAD_INPUT. */
export async function readPlanSteps(
  { servers, ports }: World,
  { rid, server }: Pick<RunRecord, 'rid' | 'server'>,
  { kind, first, after }: Page & { kind: StepKind | null },
): Promise<Slice<KeptStep>> {
  const place = parseCursor(CURSOR, { first, after }) ?? null
  const debug = servers.get(server)?.debug
  if (debug && !hasCapability(debug, 'plan-steps')) {
    const message = `The daemon on ${server} is older than the controller, and keeps only the first thousand steps of a plan: upgrade it`
    throw new BackupdError('DAEMON_REFUSED', message, { facts: { server } })
  }
  const guard = new PageGuard(server)
  // A page may have nothing but damaged lines.
  for (let after = place; ; ) {
    const { steps, next }: StepPage = await ports.daemon.ask(server, 'planSteps', {
      rid,
      kind,
      limit: first,
      after,
    })
    guard.check(steps.length, next)
    const items = steps.slice(0, first).map((node) => ({ cursor: encodeCursor(CURSOR, node.place), node }))
    if (items.length > 0 || next === null)
      return { items, hasNextPage: next !== null || steps.length > first }
    after = next
  }
}
