import { Command } from 'commander'
import {
  EndSessionDocument,
  type SessionFactsFragment,
  SessionsDocument,
} from '../client/generated/operations.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'
import { formatTable } from './table.ts'

export function sessionCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description(
      'Lists the sessions of browsers that began with your token; all of them if you are an admin.',
    )
    .action(listSessions)
  const end = addClientFlags(new Command('end'))
    .description('Ends a session at once, and closes its open sockets.')
    .argument('<id>', 'its id, from the list')
    .action(endSession)
  return new Command('session')
    .description('Shows and ends the sessions of browsers at a running controller.')
    .addCommand(list)
    .addCommand(end)
}

async function listSessions(client: ClientFlags): Promise<void> {
  const { sessions } = await (await connectToController(client))(SessionsDocument, {})
  if (client.json) return print(`${JSON.stringify(sessions)}\n`)
  print(sessions.length === 0 ? 'There are no sessions.\n' : `${describeSessions(sessions)}\n`)
}

async function endSession(id: string, client: ClientFlags): Promise<void> {
  const { endSession: ended } = await (await connectToController(client))(EndSessionDocument, { id })
  print(
    client.json ? `${JSON.stringify(ended)}\n` : `The session of "${ended.name}" (${ended.id}) has ended.\n`,
  )
}

function describeSessions(sessions: readonly SessionFactsFragment[]): string {
  const rows = sessions.map((session) => [
    ...[session.id, session.name, session.by.toLowerCase(), session.address],
    ...[session.createdAt, session.lastUsedAt, session.expiresAt],
  ])
  return formatTable(['id', 'of', 'by', 'address', 'began', 'last used', 'ends'], rows)
}
