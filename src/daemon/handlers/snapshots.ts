import { deletedSnapshotsSchema } from '../../wire/daemon-api.ts'
import { parseShape } from '../../wire/json.ts'
import { diffPageSchema, fileHistorySchema, snapshotPageSchema } from '../../wire/snapshot.ts'
import type { Answer, Call, World } from '../http/route.ts'
import { checkBackupName, checkOwn, readNamespace } from './names.ts'
import { checkReady } from './run-request.ts'

const PAGE = 500
const LARGEST_PAGE = 1000

/** `?namespace=IP&after=ID&limit=N`: of a series, newest first. */
export async function listSnapshots(call: Call, world: World): Promise<Answer> {
  const answer = await world.engine.ask('backup_snapshots', {
    ...seriesOf(call, world),
    limit: call.fields.count('limit', PAGE, LARGEST_PAGE),
  })
  return { status: 200, body: parseShape('The list of snapshots', answer, snapshotPageSchema) }
}

/** `?namespace=IP&from=ID&to=ID&after=PATH&limit=N`: by path; without `to` up to the newest. */
export async function showDiff(call: Call, world: World): Promise<Answer> {
  const { fields } = call
  const answer = await world.engine.ask('backup_diff', {
    ...seriesOf(call, world),
    from: fields.text('from'),
    to: fields.text('to'),
    limit: fields.count('limit', PAGE, LARGEST_PAGE),
  })
  return { status: 200, body: parseShape('The difference', answer, diffPageSchema) }
}

/** `?namespace=IP&path=P&after=ID`: newest first. */
export async function showHistory(call: Call, world: World): Promise<Answer> {
  const answer = await world.engine.ask('backup_history', {
    ...seriesOf(call, world),
    path: call.fields.text('path'),
  })
  return { status: 200, body: parseShape('The history of a file', answer, fileHistorySchema) }
}

/** Fields `snapshots`, many; only in the daemon's own namespace. One that is not there is no error. */
export async function deleteSnapshots({ params, fields }: Call, world: World): Promise<Answer> {
  const name = checkBackupName(params.name ?? '')
  checkOwn(readNamespace(fields, world.ip), world.ip)
  checkReady(world)
  const snapshots = fields.list('snapshots')
  const answer = await world.engine.ask('snapshots_delete', { name, snapshots })
  return { status: 200, body: parseShape('What was deleted', answer, deletedSnapshotsSchema) }
}

function seriesOf({ params, fields }: Call, world: World) {
  const namespace = readNamespace(fields, world.ip)
  return { namespace, name: checkBackupName(params.name ?? ''), after: fields.text('after') }
}
