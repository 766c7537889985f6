import { Command } from 'commander'
import type { Execute } from '../client/execute.ts'
import {
  DeletedBackupsDocument,
  type DeletedBackupsQuery,
  type DeletedBackupsQueryVariables,
  RestoreDeletedDocument,
  ServersThatKeepDeletedDocument,
} from '../client/generated/operations.ts'
import { byteText } from '../lib/byte-counts.ts'
import { MAX_DELETED_PAGE } from '../wire/hidden.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'

type DeletedBackup = DeletedBackupsQuery['deletedBackups']['nodes'][number]

export function deletedCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description('Lists deleted backups and snapshots that can be restored, and how.')
    .option('--app <app>', 'only backups of this app')
    .option('--server <ip>', 'only backups in the folder of this server')
    .action(listDeleted)
  const restore = addClientFlags(new Command('restore'))
    .description('Restores deleted backups. It takes an admin.')
    .argument('<backups...>', 'their names')
    .requiredOption('--app <app>', 'the app of the backups')
    .requiredOption('--proc <proc>', 'their proc: web, or the full name')
    .requiredOption('--server <ip>', 'the server in whose folder they lie')
    .option('--snapshot <ids...>', 'only these snapshots of the one increment that is named')
    .action(restoreDeleted)
  return new Command('deleted')
    .description('Shows deleted backups of a running controller, and restores them.')
    .addCommand(list)
    .addCommand(restore)
}

interface DeletedListFlags extends ClientFlags {
  app?: string
  server?: string
}

async function listDeleted({ app, server, ...client }: DeletedListFlags): Promise<void> {
  const execute = await connectToController(client)
  const servers = server === undefined ? await findUndoServers(execute) : [server]
  const found: DeletedBackup[] = []
  for (const ip of servers) found.push(...(await Array.fromAsync(readDeleted(execute, ip, app))))
  if (client.json) return print(`${JSON.stringify(found)}\n`)
  if (found.length === 0) return print('No deleted backup can be restored.\n')
  print(`${found.map(describeDeleted).join('\n\n')}\n`)
}

/** Older daemons keep nothing. */
async function findUndoServers(execute: Execute): Promise<string[]> {
  const { servers } = await execute(ServersThatKeepDeletedDocument, {})
  return servers.filter(({ capabilities }) => capabilities.includes('undo')).map(({ ip }) => ip)
}

async function* readDeleted(
  execute: Execute,
  server: string,
  app: string | undefined,
): AsyncGenerator<DeletedBackup> {
  for (let after: string | null = null; ; ) {
    const question: DeletedBackupsQueryVariables = {
      server,
      app: app ?? null,
      first: MAX_DELETED_PAGE,
      after,
    }
    const { deletedBackups }: DeletedBackupsQuery = await execute(DeletedBackupsDocument, question)
    yield* deletedBackups.nodes
    after = deletedBackups.next
    if (after === null) return
  }
}

function describeDeleted(deleted: DeletedBackup): string {
  const { name, snapshot, app, proc, server, size, at, by, until } = deleted
  const only = snapshot === null ? '' : ` --snapshot ${snapshot.slice(0, 12)}`
  const command = `backupd deleted restore ${name} --app ${app} --proc ${proc} --server ${server}${only}`
  const what = snapshot === null ? name : `snapshot ${snapshot.slice(0, 12)} of ${name}`
  const who =
    at === null
      ? 'nobody can read by whom, nor until when it is kept'
      : `by ${by} at ${at}, kept until ${until}`
  return [`${what} on ${server}, ${byteText(Number(size))}`, `deleted ${who}`, command].join('\n  ')
}

interface RestoreFlags extends ClientFlags {
  app: string
  proc: string
  server: string
  snapshot?: string[]
}

async function restoreDeleted(
  names: string[],
  { app, proc, server, snapshot: snapshots, ...client }: RestoreFlags,
): Promise<void> {
  const execute = await connectToController(client)
  const named = { app, proc, names, server, snapshots: snapshots ?? null }
  const { restoreDeleted: restored } = await execute(RestoreDeletedDocument, named)
  if (client.json) return print(`${JSON.stringify(restored)}\n`)
  print(`Restored: ${restored.join(', ')}\n`)
}
