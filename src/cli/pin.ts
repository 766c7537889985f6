import { Command } from 'commander'
import {
  HoldBackupDocument,
  type PinFactsFragment,
  ReleaseBackupDocument,
} from '../client/generated/operations.ts'
import { isoTime, systemClock } from '../lib/clock.ts'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError } from '../lib/errors.ts'
import { isMoment } from '../wire/fields.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { findPinned, type ListedServer, type PinnedThing, readListedServers } from './find-pinned.ts'
import { print, printError } from './print.ts'

export function pinCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description(
      'Lists what is pinned, how to release it, and backups that may be pinned, because their manifest cannot be read.',
    )
    .option('--app <app>', 'only backups of this app')
    .option('--server <ip>', 'only backups in the folder of this server')
    .action(listPinned)
  const add = addTargetFlags(new Command('add'))
    .description('Keeps a full backup or a snapshot against every delete. It takes an admin.')
    .requiredOption('--reason <text>', 'why it has to be kept')
    .option(
      '--until <time>',
      'when the pin ends on its own: 90d, or 2027-01-31T00:00:00Z; else when released',
    )
    .action(addPin)
  const release = addTargetFlags(new Command('release'))
    .description('Releases a pin. It takes an admin.')
    .option('--pin <id>', 'the id of the pin, if the backup has several')
    .action(releasePin)
  return new Command('pin')
    .description('Pins backups of a running controller, so that nothing deletes them.')
    .addCommand(list)
    .addCommand(add)
    .addCommand(release)
}

function addTargetFlags(command: Command): Command {
  return addClientFlags(command)
    .argument('<backup>', 'its name')
    .requiredOption('--app <app>', 'the app of the backup')
    .requiredOption('--proc <proc>', 'its proc: web, or the full name')
    .option('--server <ip>', 'the server of the backup, if several have one of that name')
    .option('--snapshot <id>', 'of an increment: which snapshot, by its id or the first digits of it')
}

interface TargetFlags extends ClientFlags {
  app: string
  proc: string
  server?: string
  snapshot?: string
}

function toTarget(backup: string, { app, proc, server, snapshot }: TargetFlags) {
  return { app, proc, backup, server: server ?? null, snapshot: snapshot ?? null }
}

async function addPin(
  backup: string,
  flags: TargetFlags & { reason: string; until?: string },
): Promise<void> {
  const until = flags.until === undefined ? null : parseUntil(flags.until)
  const execute = await connectToController(flags)
  const request = { target: toTarget(backup, flags), reason: flags.reason, until }
  const { hold } = await execute(HoldBackupDocument, request)
  if (flags.json) return print(`${JSON.stringify(hold)}\n`)
  print(`Nothing deletes ${backup} ${describePinEnd(hold)}: pin ${hold.id}.\n`)
}

async function releasePin(backup: string, flags: TargetFlags & { pin?: string }): Promise<void> {
  const execute = await connectToController(flags)
  const request = { target: toTarget(backup, flags), pin: flags.pin ?? null }
  const { release } = await execute(ReleaseBackupDocument, request)
  if (flags.json) return print(`${JSON.stringify(release)}\n`)
  print(`Released: ${describePin(release)}\n`)
}

/** A duration from now, or a time. */
function parseUntil(text: string): string {
  if (isMoment(text)) return text
  try {
    return isoTime(systemClock.now() + parseExpire(text))
  } catch (cause) {
    const expected = 'a duration such as 90d, or a time such as 2027-01-31T00:00:00Z'
    throw new BackupdError('BAD_INPUT', `--until is "${text}", expected ${expected}`, { cause })
  }
}

interface PinListFlags extends ClientFlags {
  app?: string
  server?: string
}

async function listPinned({ app, server, ...client }: PinListFlags): Promise<void> {
  const execute = await connectToController(client)
  const filter = { ...(app !== undefined && { app }), ...(server !== undefined && { server }) }
  // Before the backups: a list that ends meanwhile is not missing.
  const servers = await readListedServers(execute, server)
  const found = await Array.fromAsync(findPinned(execute, filter))
  if (server !== undefined && servers.length + found.length === 0) refuseUnknownServer(server)
  const doubt = describeDoubt(servers)
  if (doubt !== null) printError(`${doubt}\n`)
  if (client.json) return print(`${JSON.stringify(found)}\n`)
  if (found.length > 0) return print(`${found.map(describeThing).join('\n\n')}\n`)
  if (doubt === null) print('Nothing is pinned.\n')
}

/** Why pins may be missing in the list; null if it is complete. */
function describeDoubt(servers: readonly ListedServer[]): string | null {
  const unlisted = servers.filter(({ backupsListed }) => !backupsListed).map(({ ip }) => ip)
  if (unlisted.length > 0) return describeUnlisted(unlisted)
  return servers.length > 0
    ? null
    : 'No server is known to this controller, or to you, so pins may be missing here.'
}

function refuseUnknownServer(ip: string): never {
  const message = `Cannot list the pins of "${ip}": no such server is known, expected one of { servers { ip } }`
  throw new BackupdError('NOT_FOUND', message)
}

const MAX_NAMED = 20

function describeUnlisted(servers: readonly string[]): string {
  const more = servers.length > MAX_NAMED ? ` and ${servers.length - MAX_NAMED} more` : ''
  const of = `${servers.slice(0, MAX_NAMED).join(', ')}${more}`
  return `The backups of ${of} are not listed yet, so pins may be missing here. Ask again; if it lasts, see { servers { problems } }.`
}

function describeThing({ app, proc, name, server, snapshot, pins, unreadable }: PinnedThing): string {
  const of = snapshot === null ? '' : ` --snapshot ${snapshot}`
  const command = `backupd pin release ${name} --app ${app} --proc ${proc} --server ${server}${of}`
  const lines = pins.flatMap((pin) => [describePin(pin), `  ${command} --pin ${pin.id}`])
  const title = snapshot === null ? name : `the snapshot ${snapshot.slice(0, 8)} of ${name}`
  const unknown =
    unreadable === null ? [] : [`it is kept, because nobody knows if it is pinned: ${unreadable}`]
  return [`${title} on ${server}`, ...lines, ...unknown].join('\n  ')
}

function describePin(pin: PinFactsFragment): string {
  if (pin.at === null) return `held: ${pin.reason}`
  return `pinned by ${pin.by} at ${pin.at} ${describePinEnd(pin)}: ${pin.reason}`
}

function describePinEnd({ until }: PinFactsFragment): string {
  return until === null ? 'until it is released' : `until ${until}`
}
