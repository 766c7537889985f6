import { BackupdError } from '../lib/errors.ts'
import { canRun } from '../wire/actions.ts'
import { findApp } from '../wire/find-app.ts'
import { capCount, type ListCount, type Page, type RecordFilter, type Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { NO_ITEMS, narrowToScope } from './narrow-to-scope.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

export async function getRecord(world: UserWorld, rid: string): Promise<RunRecord | undefined> {
  const record = await readRecord(world, rid)
  return record && seesApp(world, findApp(record)) ? record : undefined
}

/** For the controller itself. */
export async function readRecord({ ports }: World, rid: string): Promise<RunRecord | undefined> {
  return (await ports.records.get(rid))?.record
}

/** Sorted by request time, latest first; a record keeps its position when it starts. */
export async function findRecords(
  world: UserWorld,
  filter: RecordFilter,
  page: Page,
): Promise<Slice<RunRecord>> {
  const own = await narrowToScope(world, filter, world.ports.records)
  return own ? world.ports.records.find(own, page) : NO_ITEMS
}

export async function countRecords(world: UserWorld, filter: RecordFilter): Promise<ListCount> {
  const own = await narrowToScope(world, filter, world.ports.records)
  return own ? world.ports.records.count(own) : capCount(0)
}

export function cancelRecord(world: UserWorld, rid: string): Promise<Answer<RunRecord>> {
  return audited(
    world,
    { verb: 'cancelRecord', facts: { rid } },
    {
      async check() {
        const record = await getRecord(world, rid)
        if (!record) return refuse('NOT_FOUND', `There is no record "${rid}" to cancel`, { rid })
        const refusal = refuseUnlessPermitted(world, 'cancel', { app: findApp(record) })
        if (refusal || canRun('cancel', record.state)) return refusal ?? record
        const message = `Record ${rid} cannot be cancelled: it has ended already (${record.state})`
        return refuse('CONFLICT', message, { rid })
      },
      async act(record) {
        await world.ports.daemon.cancel(record.server, rid)
        return refreshRecord(world, record)
      },
    },
  )
}

/** Reads a record from its daemon into the catalog. Falls back to the known one if the daemon cannot give it. */
export async function refreshRecord(world: World, known: RunRecord): Promise<RunRecord> {
  try {
    const found = await world.ports.daemon.record(known.server, known.rid)
    if (found) await world.ledger.apply([found])
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
  }
  return (await readRecord(world, known.rid)) ?? known
}
