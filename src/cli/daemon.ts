import { isIPv4 } from 'node:net'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { startDaemon } from '../daemon/daemon.ts'
import { systemClock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { parseAddress } from './address.ts'
import { collect } from './collect.ts'
import { connectionsOf, MAX_SOCKETS_OPTION } from './connections.ts'
import { createLog } from './log.ts'
import { repairOwnModes } from './own-files.ts'
import { passwordFileOf } from './password-file.ts'
import { setTimeZone } from './time-zone.ts'
import { untilStopped } from './until-stopped.ts'
import { VERSION } from './version.ts'

interface DaemonFlags {
  addr: string
  ip: string
  data: string
  volumeRoot: string
  allowPath: string[]
  backupDriver: string
  backupMoosefsDir: string
  backupLocalDir?: string
  allowedHost: string[]
  concurrency: string
  repositoryPasswordFile?: string
  takeOver: boolean
  claimStore: boolean
  newRepository: boolean
  maxSocketsPerPeer: string
  releaseController: boolean
  debug: boolean
}

export function daemonCommand(): Command {
  return new Command('daemon')
    .description('Runs the backup jobs of this machine, as a controller tells it to.')
    .option('--addr <host:port>', 'where to listen for the controller', ':9002')
    .requiredOption('--ip <ip>', "this machine's IPv4 address, by which the controller and the store know it")
    .option('--data <dir>', 'jobs, records and news that no controller has taken yet', '/var/lib/backupd')
    .option('--volume-root <dir>', 'volumes lie under it', '/data/lain/volumes')
    .option('--allow-path <dir>', 'another directory that may be read and written (repeatable)', collect, [])
    .option('--backup-driver <name>', 'where backups go: moosefs or local', 'moosefs')
    .option(
      '--backup-moosefs-dir <dir>',
      'the store of the moosefs driver, on a mounted MooseFS',
      '/mfs/lain/backup',
    )
    .option('--backup-local-dir <dir>', 'the store of the local driver')
    .option(
      '--allowed-host <name>',
      'a host name that requests may come to, besides IP addresses (repeatable)',
      collect,
      [],
    )
    .option('--concurrency <n>', 'runs at once', '4')
    .option(
      '--repository-password-file <file>',
      'the password of increments; without it one is made in the store',
    )
    .option('--take-over', "take the store's namespace over from the daemon that owned it", false)
    .option(
      '--claim-store',
      'start over with the store that is there now, although another one is known',
      false,
    )
    .option(
      '--new-repository',
      'begin new increments, although earlier ones are missing from the store',
      false,
    )
    .option(...MAX_SOCKETS_OPTION)
    .option('--release-controller', 'let another controller send the next list of jobs', false)
    .option('--debug', 'accepted for legacy command lines; the log is complete without it', false)
    .action(runDaemon)
}

async function runDaemon(flags: DaemonFlags): Promise<void> {
  const log = createLog(flags)
  const zoneProblem = setTimeZone(log)
  repairOwnModes(flags.data, log)
  const daemon = await startDaemon({
    ...parseAddress('--addr', flags.addr),
    ip: checkIp(flags.ip),
    dataDir: flags.data,
    volumeRoot: flags.volumeRoot,
    allowPaths: flags.allowPath,
    store: parseStore(flags),
    ...passwordFileOf(flags),
    takeOver: flags.takeOver,
    claimStore: flags.claimStore,
    newRepository: flags.newRepository,
    releaseController: flags.releaseController,
    allowedHosts: flags.allowedHost,
    connections: connectionsOf(flags),
    log,
    clock: systemClock,
    zoneProblem,
    concurrency: checkConcurrency(flags.concurrency),
    version: VERSION,
  })
  log.info({ url: daemon.url, ip: flags.ip, data: flags.data }, `The daemon listens on ${daemon.url}`)
  await untilStopped(() => daemon.close())
}

function checkIp(ip: string): string {
  if (isIPv4(ip)) return ip
  throw new BackupdError('BAD_INPUT', `--ip is "${ip}": write an IPv4 address, such as 10.0.0.1`)
}

function parseStore({ backupDriver, backupMoosefsDir, backupLocalDir }: DaemonFlags): StoreSettings {
  if (backupDriver === 'moosefs') return { driver: 'moosefs', dir: resolve(backupMoosefsDir) }
  if (backupDriver !== 'local')
    throw new BackupdError('BAD_INPUT', `--backup-driver is "${backupDriver}": write moosefs or local`)
  if (backupLocalDir) return { driver: 'local', dir: resolve(backupLocalDir) }
  throw new BackupdError(
    'BAD_INPUT',
    '--backup-driver local needs --backup-local-dir DIR: the directory to keep backups in',
  )
}

function checkConcurrency(text: string): number {
  const runs = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (runs > 0) return runs
  throw new BackupdError('BAD_INPUT', `--concurrency is "${text}": write a whole number from 1 to 999`)
}
