import { Command } from 'commander'
import {
  AuthoritiesDocument,
  type AuthorityFactsFragment,
  RetireAuthorityDocument,
  RotateAuthorityDocument,
} from '../client/generated/operations.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print, printError } from './print.ts'
import { formatTable } from './table.ts'

const MAX_NAMED = 10

export function caCommand(): Command {
  const show = addClientFlags(new Command('show'))
    .description('Shows the authorities that certify daemons, and which daemons trust each.')
    .action(showAuthorities)
  const rotate = addClientFlags(new Command('rotate'))
    .description('Makes the next authority, and gives it to the daemons. Both count until "ca retire".')
    .action(rotateAuthority)
  const retire = addClientFlags(new Command('retire'))
    .description('Ends a rotation: what the old authority certified counts no more.')
    .option('--force', 'also if some daemons do not have the new authority: invite these again', false)
    .action(retireAuthority)
  return new Command('ca')
    .description('Replaces the authority that certifies daemons at a running controller. It takes an admin.')
    .addCommand(show)
    .addCommand(rotate)
    .addCommand(retire)
}

async function showAuthorities(client: ClientFlags): Promise<void> {
  const { authorities } = await (await connectToController(client))(AuthoritiesDocument, {})
  if (client.json) return print(`${JSON.stringify(authorities)}\n`)
  if (authorities.length === 0)
    return print('The controller has no authority. One is made at the first start with --daemon-tls-addr.\n')
  printAuthorities(authorities)
}

async function rotateAuthority(client: ClientFlags): Promise<void> {
  const { rotateAuthority: authorities } = await (await connectToController(client))(
    RotateAuthorityDocument,
    {},
  )
  if (client.json) return print(`${JSON.stringify(authorities)}\n`)
  printAuthorities(authorities)
  printError(
    'Daemons that run get the next authority within a minute. When "backupd ca show" says that all have it, run "backupd ca retire".\n',
  )
}

async function retireAuthority({ force, ...client }: ClientFlags & { force: boolean }): Promise<void> {
  const { retireAuthority: authorities } = await (await connectToController(client))(
    RetireAuthorityDocument,
    { force },
  )
  if (client.json) return print(`${JSON.stringify(authorities)}\n`)
  printAuthorities(authorities)
}

function printAuthorities(authorities: readonly AuthorityFactsFragment[]): void {
  const rows = authorities.map(({ fingerprint, state, createdAt, expiresAt, trustedBy, lacking }) => [
    fingerprint,
    state.toLowerCase(),
    createdAt ?? '',
    expiresAt ?? '',
    String(trustedBy.length),
    describeLacking(lacking),
  ])
  print(`${formatTable(['fingerprint', 'state', 'made', 'expires', 'daemons', 'not yet'], rows)}\n`)
}

function describeLacking(ips: readonly string[]): string {
  if (ips.length === 0) return ''
  const more = ips.length > MAX_NAMED ? ` and ${ips.length - MAX_NAMED} more` : ''
  return `${ips.slice(0, MAX_NAMED).join(', ')}${more}`
}
