import { BackupdError } from '../lib/errors.ts'
import { can } from '../wire/actions.ts'
import type { ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import type { World } from './world.ts'

export async function getRecord(world: World, rid: string): Promise<RunRecord | undefined> {
  return (await world.ports.records.get(rid))?.record
}

/** Sorted by request time, latest first; a record keeps its position when it starts. */
export function findRecords(world: World, filter: RecordFilter, page: Page): Promise<Slice<RunRecord>> {
  return world.ports.records.find(filter, page)
}

export function countRecords({ ports }: World, filter: RecordFilter): Promise<ListCount> {
  return ports.records.count(filter)
}

export function cancelRecord(world: World, who: string, rid: string): Promise<Answer<RunRecord>> {
  return audited(world, { who, verb: 'cancelRecord', facts: { rid } }, async () => {
    const record = await getRecord(world, rid)
    if (!record) return refuse('NOT_FOUND', `There is no record "${rid}" to cancel`, { rid })
    if (!can('cancel', record.state)) {
      return refuse('CONFLICT', `Record ${rid} cannot be cancelled: it has ended already (${record.state})`, {
        rid,
      })
    }
    await world.ports.daemon.cancel(record.server, rid)
    return refreshRecord(world, record)
  })
}

/** Reads a record from its daemon into the catalog. Falls back to the known one if the daemon cannot give it. */
export async function refreshRecord(world: World, known: RunRecord): Promise<RunRecord> {
  try {
    const found = await world.ports.daemon.record(known.server, known.rid)
    if (found) await world.ledger.apply([found])
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
  }
  return (await getRecord(world, known.rid)) ?? known
}
