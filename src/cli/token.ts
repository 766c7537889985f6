import { Command } from 'commander'
import {
  type AccessRole,
  CreateTokenDocument,
  RevokeTokenDocument,
  type TokenFactsFragment,
  TokensDocument,
} from '../client/generated/operations.ts'
import { isoTime, systemClock } from '../lib/clock.ts'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError } from '../lib/errors.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { collect } from './collect.ts'
import { print, printError } from './print.ts'
import { formatTable } from './table.ts'

export function tokenCommand(): Command {
  const create = addClientFlags(new Command('create'))
    .description('Creates a token and prints it, once: the controller keeps only its hash.')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--role <role>', 'viewer, operator, restorer or admin (repeatable)', collect, [])
    .option(
      '--app <app>',
      'only for this app, or team-* (repeatable); without it: for everything',
      collect,
      [],
    )
    .option('--expires <time>', 'when it ends: 30d, or never', '90d')
    .action(createToken)
  const list = addClientFlags(new Command('list')).description('Lists all tokens.').action(listTokens)
  const revoke = addClientFlags(new Command('revoke'))
    .description('Ends a token at once, and closes its open sockets.')
    .argument('<id>', 'its id, from the list')
    .action(revokeToken)
  return new Command('token')
    .description('Manages the tokens of scripts and people at a running controller. It takes an admin.')
    .addCommand(create)
    .addCommand(list)
    .addCommand(revoke)
}

interface CreateFlags extends ClientFlags {
  name: string
  role: string[]
  app: string[]
  expires: string
}

const ROLES: Readonly<Record<string, AccessRole>> = {
  viewer: 'VIEWER',
  operator: 'OPERATOR',
  restorer: 'RESTORER',
  admin: 'ADMIN',
}

/** Only the token goes to stdout, so that it can be sent to a file. */
async function createToken({ name, role, app, expires, ...client }: CreateFlags): Promise<void> {
  const input = {
    name,
    roles: role.map(parseRole),
    apps: app.length > 0 ? app : null,
    expiresAt: parseExpiry(expires),
  }
  const execute = await connectToController(client)
  const { createToken: created } = await execute(CreateTokenDocument, { input })
  if (client.json) return print(`${JSON.stringify(created)}\n`)
  print(`${created.text}\n`)
  printError(`${describeTokens([created.token])}\nKeep the token now: it is not shown again.\n`)
}

function parseRole(text: string): AccessRole {
  const role = Object.hasOwn(ROLES, text) ? ROLES[text] : undefined
  if (role) return role
  throw new BackupdError('BAD_INPUT', `--role is "${text}", expected one of ${Object.keys(ROLES).join(', ')}`)
}

function parseExpiry(text: string): string | null {
  if (text === 'never') return null
  try {
    return isoTime(systemClock.now() + parseExpire(text))
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--expires is "${text}", expected a time such as 30d, or never`, {
      cause,
    })
  }
}

async function listTokens(client: ClientFlags): Promise<void> {
  const { tokens } = await (await connectToController(client))(TokensDocument, {})
  print(client.json ? `${JSON.stringify(tokens)}\n` : `${describeTokens(tokens)}\n`)
}

async function revokeToken(id: string, client: ClientFlags): Promise<void> {
  const { revokeToken: revoked } = await (await connectToController(client))(RevokeTokenDocument, { id })
  print(
    client.json ? `${JSON.stringify(revoked)}\n` : `The token "${revoked.name}" (${revoked.id}) has ended.\n`,
  )
}

function describeTokens(tokens: readonly TokenFactsFragment[]): string {
  const rows = tokens.map((token) => [
    ...[token.id, token.name, describeGrants(token.grants)],
    ...[token.createdAt, token.expiresAt ?? 'never', token.lastUsedAt ?? 'never'],
  ])
  return formatTable(['id', 'name', 'roles', 'created', 'expires', 'last used'], rows)
}

function describeGrants(grants: TokenFactsFragment['grants']): string {
  return grants
    .map(({ role, apps }) => `${role.toLowerCase()}${apps ? ` of ${apps.join(' ')}` : ''}`)
    .join(', ')
}
