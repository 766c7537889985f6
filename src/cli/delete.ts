import { Command } from 'commander'
import type { Execute } from '../client/execute.ts'
import {
  DeleteBackupsByPlanDocument,
  type DeletePlanFactsFragment,
  DeleteSnapshotsByPlanDocument,
  PlanDeleteBackupsDocument,
  PlanDeleteSnapshotsDocument,
} from '../client/generated/operations.ts'
import { byteText } from '../lib/byte-counts.ts'
import { BackupdError } from '../lib/errors.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'

export function deleteCommand(): Command {
  return addClientFlags(new Command('delete'))
    .description(
      'Shows what a delete of backups or snapshots would take, or deletes them. It takes an admin.',
    )
    .argument('<backups...>', 'their names')
    .requiredOption('--app <app>', 'the app of the backups')
    .requiredOption('--proc <proc>', 'their proc: web, or the full name')
    .option('--server <ip>', 'the server in whose folder they lie, if several have backups of these names')
    .option('--snapshot <ids...>', 'only these snapshots of the one increment that is named')
    .option('--plan-hash <hash>', 'deletes what the plan with this hash shows, or nothing')
    .option('--yes', 'deletes what the plan shows', false)
    .option('--now', 'frees the room at once: nobody can restore them', false)
    .action(deleteByCommand)
}

interface DeleteFlags extends ClientFlags {
  app: string
  proc: string
  server?: string
  snapshot?: string[]
  planHash?: string
  yes: boolean
  now: boolean
}

async function deleteByCommand(names: string[], flags: DeleteFlags): Promise<void> {
  if (flags.snapshot && names.length > 1)
    throw new BackupdError(
      'BAD_INPUT',
      'Cannot delete snapshots of several backups at once: name one increment',
    )
  const execute = await connectToController(flags)
  if (flags.planHash !== undefined)
    return await deleteByHash(execute, names, { ...flags, planHash: flags.planHash })
  const plan = await readDeletePlan(execute, names, flags)
  if (!flags.yes) {
    if (flags.json) return print(`${JSON.stringify(plan)}\n`)
    return print(`${describeDeletePlan(plan)}\n${describeNext(names, flags, plan)}\n`)
  }
  if (!flags.json) print(`${describeDeletePlan(plan)}\n`)
  if (plan.kept > 0 || plan.planHash === null)
    throw new BackupdError('CONFLICT', 'Nothing was deleted, because something stays: leave it out')
  await deleteByHash(execute, names, { ...flags, planHash: plan.planHash })
}

async function readDeletePlan(
  execute: Execute,
  names: string[],
  { app, proc, server, snapshot: snapshots, now }: DeleteFlags,
): Promise<DeletePlanFactsFragment> {
  const [backup = ''] = names
  const common = { app, proc, server: server ?? null, now }
  const { plan } = snapshots
    ? await execute(PlanDeleteSnapshotsDocument, { ...common, backup, snapshots })
    : await execute(PlanDeleteBackupsDocument, { ...common, names })
  return plan
}

async function deleteByHash(
  execute: Execute,
  names: string[],
  { app, proc, server, snapshot: snapshots, now, planHash, json }: DeleteFlags & { planHash: string },
): Promise<void> {
  const [backup = ''] = names
  const common = { app, proc, server: server ?? null, now, planHash }
  const { deleted } = snapshots
    ? await execute(DeleteSnapshotsByPlanDocument, { ...common, backup, snapshots })
    : await execute(DeleteBackupsByPlanDocument, { ...common, names })
  print(json ? `${JSON.stringify(deleted)}\n` : `Deleted: ${deleted.join(', ')}\n`)
}

function describeDeletePlan(plan: DeletePlanFactsFragment): string {
  const { items, count, volumes, goodOfAll, leftOfAll, snapshots, bytes, snapshotBytes } = plan
  const more = count > items.length ? [`and ${count - items.length} more`] : []
  const added = snapshotBytes === null ? 'an unknown number of bytes' : byteText(Number(snapshotBytes))
  const ofSnapshots =
    snapshots > 0
      ? [`${snapshots} snapshots, which added ${added} to the store; a prune frees what nothing else needs`]
      : []
  const left = volumes.map(
    ({ volume, proc, instanceNo, server, good, left }) =>
      `${left} of ${good} good backups of ${volume} of ${proc} ${instanceNo} on ${server} are left`,
  )
  return [
    ...items.map(describePlannedItem),
    ...more,
    `Full backups and mirrors take ${byteText(Number(bytes))}.`,
    ...ofSnapshots,
    ...left,
    `${leftOfAll} of ${goodOfAll} good backups in all are left`,
  ].join('\n')
}

function describePlannedItem(item: DeletePlanFactsFragment['items'][number]): string {
  const { name, snapshot, server, created, size, good, keptBecause } = item
  const what = snapshot === null ? name : `snapshot ${snapshot.slice(0, 12)} of ${name}`
  const bytes = size === null ? '' : `, ${byteText(Number(size))}`
  const state = good ? '' : ', not good'
  const fate = keptBecause.length > 0 ? `STAYS: ${keptBecause.join('; ')}` : 'would be deleted'
  return `${what} on ${server}, of ${created}${bytes}${state}: ${fate}`
}

/** What to run to delete what the plan shows, without what stays. */
function describeNext(
  names: readonly string[],
  { app, proc, server, now, snapshot }: DeleteFlags,
  { items, count, planHash }: DeletePlanFactsFragment,
): string {
  if (planHash === null) return 'Nothing would be deleted.'
  if (count > items.length) return `To delete all of it, add --plan-hash ${planHash}`
  const gone = items.filter(({ keptBecause }) => keptBecause.length === 0)
  const ids = gone.flatMap((one) => one.snapshot?.slice(0, 12) ?? [])
  const which = snapshot ? [names[0], '--snapshot', ...ids] : gone.map(({ name }) => name)
  const of = ['--app', app, '--proc', proc, ...(server === undefined ? [] : ['--server', server])]
  const flags = [...of, ...(now ? ['--now'] : []), '--plan-hash', planHash]
  return ['To delete it:\n  backupd delete', ...which, ...flags].join(' ')
}
