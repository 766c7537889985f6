import { Command } from 'commander'
import {
  EnrolledServersDocument,
  type EnrolledServersQuery,
  InviteServerDocument,
  RevokeServerDocument,
} from '../client/generated/operations.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print, printError } from './print.ts'
import { formatTable } from './table.ts'

export function serverCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description('Lists the servers, and the certificates of their daemons.')
    .action(listEnrolled)
  const invite = addClientFlags(new Command('invite'))
    .description('Prints a join token for the daemon of a server, once. It takes an admin.')
    .argument('<ip>', 'the server')
    .option('--replace', 'the daemon may take the place of one that is enrolled', false)
    .action(printInvitation)
  const revoke = addClientFlags(new Command('revoke'))
    .description('Ends the certificate of a daemon at once, and closes its connections. It takes an admin.')
    .argument('<ip>', 'the server')
    .action(revokeCertificate)
  return new Command('server')
    .description(
      'Enrols daemons at a running controller, so that both talk to each other only with certificates.',
    )
    .addCommand(list)
    .addCommand(invite)
    .addCommand(revoke)
}

/** Only the token goes to stdout, so that it can be sent to a file. */
async function printInvitation(ip: string, flags: ClientFlags & { replace: boolean }): Promise<void> {
  const execute = await connectToController(flags)
  const { inviteServer: invited } = await execute(InviteServerDocument, { ip, replace: flags.replace })
  if (flags.json) return print(`${JSON.stringify(invited)}\n`)
  print(`${invited.token}\n`)
  printError(
    `It enrols one daemon on ${invited.ip} until ${invited.expiresAt}: write it to a file there, and start the daemon with --join-file FILE.\n`,
  )
}

async function revokeCertificate(ip: string, client: ClientFlags): Promise<void> {
  const { revokeServer: revoked } = await (await connectToController(client))(RevokeServerDocument, { ip })
  if (client.json) return print(`${JSON.stringify(revoked)}\n`)
  print(
    `The certificate of the daemon on ${ip} counts no more. It still runs the jobs that it has: stop it there.\n`,
  )
}

async function listEnrolled(client: ClientFlags): Promise<void> {
  const { servers } = await (await connectToController(client))(EnrolledServersDocument, {})
  if (client.json) return print(`${JSON.stringify(servers)}\n`)
  if (servers.length === 0) return print('There are no servers in the inventory.\n')
  print(`${formatTable(['server', 'answers', 'link', 'certificate'], servers.map(describeEnrolled))}\n`)
  if (servers.some(({ link }) => link === 'PLAIN_HTTP'))
    printError(
      'Whoever reaches the ports of daemons with plain HTTP can recover and delete there: enrol them.\n',
    )
}

const LINKS: Readonly<Record<EnrolledServersQuery['servers'][number]['link'], string>> = {
  TLS: 'TLS',
  IN_PROCESS: 'same process',
  PLAIN_HTTP: 'plain HTTP',
  REFUSED: 'refused: plain HTTP',
}

function describeEnrolled({ ip, reachable, link, enrolment }: EnrolledServersQuery['servers'][number]) {
  const answers = reachable ? 'yes' : 'no'
  if (!enrolment || link === 'IN_PROCESS') return [ip, answers, LINKS[link], 'none']
  if (enrolment.revoked) return [ip, answers, 'refused: revoked', 'revoked']
  return [ip, answers, LINKS[link], `until ${enrolment.expiresAt}`]
}
