// The commands of backupd. A command reads its flags, then starts a program or sends a request to one. main.ts calls runCommand.
// Only this folder touches the environment, signals and the terminal. It may import lib, wire, http, controller, daemon
// and client.

import { Command, CommanderError } from 'commander'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { commandFirst, normaliseArgv } from './argv.ts'
import { setEnvironmentOfChildren } from './environment.ts'
import { printError } from './print.ts'
import { VERSION } from './version.ts'

/** Loads only the requested command, so that a daemon does not have Apollo and Prisma in memory. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  standalone: async () => (await import('./standalone.ts')).standaloneCommand(),
  controller: async () => (await import('./controller.ts')).controllerCommand(),
  daemon: async () => (await import('./daemon.ts')).daemonCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  alarm: async () => (await import('./alarm.ts')).alarmCommand(),
  unusual: async () => (await import('./unusual.ts')).unusualCommand(),
  delete: async () => (await import('./delete.ts')).deleteCommand(),
  deleted: async () => (await import('./deleted.ts')).deletedCommand(),
  pin: async () => (await import('./pin.ts')).pinCommand(),
  notification: async () => (await import('./notification.ts')).notificationCommand(),
  access: async () => (await import('./access.ts')).accessCommand(),
  'login-link': async () => (await import('./login-link.ts')).loginLinkCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  ca: async () => (await import('./ca.ts')).caCommand(),
  server: async () => (await import('./server.ts')).serverCommand(),
  session: async () => (await import('./session.ts')).sessionCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  catalog: async () => (await import('./catalog.ts')).catalogCommand(),
}

/** Runs a command and returns the exit code: 0 done, 1 refused or failed, with one line on stderr. */
export async function runCommand(argv: string[]): Promise<number> {
  setEnvironmentOfChildren()
  keepFilesPrivate()
  try {
    const ordered = commandFirst(argv)
    const program = await programFor(ordered[0])
    await program.parseAsync(normaliseArgv(ordered), { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof BackupdError) printError(`backupd: ${joinLines(error.message)}\n`)
    else printError(`backupd: ${messageOf(error)}\n${error instanceof Error ? error.stack : ''}\n`)
    return 1
  }
}

/** Makes files of this process and its children private. A recover sets the modes in volumes itself. */
function keepFilesPrivate(): void {
  process.umask(0o077)
}

async function programFor(name = ''): Promise<Command> {
  const root = new Command('backupd')
    .description('Backs up directories on many machines, and proves each backup.')
    .version(VERSION)
  // Settings that commands inherit when they are added.
  root
    .exitOverride()
    .configureOutput({ outputError: (text) => printError(`backupd: ${text.replace(/^error: /, '')}`) })
  for (const load of listNeeded(name)) {
    root.addCommand((await load()).copyInheritedSettings(root))
  }
  return root
}

/** Only a list of all commands, or an unknown one, needs all of them. */
function listNeeded(name: string): (() => Promise<Command>)[] {
  if (name === '--version' || name === '-V') return []
  const one = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return one ? [one] : Object.values(COMMANDS)
}

/** Joins a message that has one problem per line. */
function joinLines(message: string): string {
  const [first = '', ...rest] = message.split('\n').map((line) => line.trim())
  return rest.length > 0 ? `${first} ${rest.join('; ')}` : first
}
