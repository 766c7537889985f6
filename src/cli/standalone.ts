import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { inventoryOf } from '../controller/inventory-of.ts'
import { type Controller, startController } from '../controller/server.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { systemClock } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { parseAddress } from './address.ts'
import { collect } from './collect.ts'
import { connectionsOf, MAX_SOCKETS_OPTION } from './connections.ts'
import { makeExample } from './example/make-example.ts'
import { KEEP_RECORDS, parseKeepRecords } from './keep-records.ts'
import { createLog } from './log.ts'
import { NEWS_FROM_OPTION, parseNewsFrom } from './news-from.ts'
import { rereadOnHangUp } from './on-hang-up.ts'
import { repairOwnModes } from './own-files.ts'
import { passwordFileOf } from './password-file.ts'
import { print } from './print.ts'
import { setTimeZone } from './time-zone.ts'
import { untilStopped } from './until-stopped.ts'
import { VERSION } from './version.ts'
import { webDir } from './web-dir.ts'
import { welcome } from './welcome.ts'

interface StandaloneFlags {
  inventory?: string
  data: string
  addr: string
  daemonAddr: string
  ip: string
  backupLocalDir?: string
  copyDir?: string
  volumeRoot: string
  keepRecords: string
  allowPath: string[]
  allowedHost: string[]
  repositoryPasswordFile?: string
  takeOver: boolean
  claimStore: boolean
  newRepository: boolean
  maxSocketsPerPeer: string
  newsFrom: string[]
  debug: boolean
}

export function standaloneCommand(): Command {
  return new Command('standalone')
    .description('One controller and one daemon in one process, with a local store.')
    .option(
      '--inventory <file>',
      'what is backed up, how often, how long; without it an example is made to look at',
    )
    .option('--data <dir>', 'catalog, jobs, records, and the store unless it is elsewhere', './data')
    .option('--addr <host:port>', 'where users reach the controller', '127.0.0.1:9002')
    .option('--daemon-addr <host:port>', 'where the daemon listens', '127.0.0.1:9003')
    .option('--ip <ip>', 'the name of this machine in the inventory and in the store', '127.0.0.1')
    .option('--backup-local-dir <dir>', 'the store; <data>/store unless given')
    .option('--copy-dir <dir>', 'where copies of the catalog may go; <data>/copies unless given')
    .option(
      '--volume-root <dir>',
      'where volumes lie whose path the inventory does not say',
      '/data/lain/volumes',
    )
    .option(
      '--allow-path <dir>',
      "a directory that may be read and written besides the inventory's volumes (repeatable)",
      collect,
      [],
    )
    .option(KEEP_RECORDS.flag, KEEP_RECORDS.text, KEEP_RECORDS.usual)
    .option('--allowed-host <name>', 'a host name that requests may come to (repeatable)', collect, [])
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
    .option(...NEWS_FROM_OPTION)
    .option('--debug', 'accepted for legacy command lines; the log is complete without it', false)
    .action(runStandalone)
}

async function runStandalone(flags: StandaloneFlags): Promise<void> {
  const log = createLog(flags)
  const hangUp = rereadOnHangUp(log)
  const zoneProblem = setTimeZone(log)
  const dataDir = await makeDataDir(flags.data)
  repairOwnModes(dataDir, log)
  const inventory = flags.inventory ? resolve(flags.inventory) : await exampleIn(dataDir)
  await using parts = new AsyncDisposableStack()
  const daemon = parts.adopt(await startLocalDaemon(flags, { dataDir, log, zoneProblem }), (it) => it.close())
  const controller = parts.adopt(
    await startLocalController(flags, { dataDir, log, daemon, inventory }),
    (it) => it.close(),
  )
  hangUp.begin(() => controller.rereadInventory())
  print(
    welcome({
      url: controller.url,
      inventory,
      store: resolveStore(flags, dataDir),
      example: !flags.inventory,
    }),
  )
  // The daemon first, so that the controller still accepts its last news.
  await untilStopped(async () => {
    await daemon.close()
    await controller.close()
  })
}

async function makeDataDir(path: string): Promise<string> {
  const dataDir = resolve(path)
  try {
    await makeFolder(dataDir)
    return dataDir
  } catch (cause) {
    const message = `The data directory ${dataDir} cannot be made: ${messageOf(cause)}. Name another with --data.`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

function exampleIn(dataDir: string): Promise<string> {
  return makeExample(dataDir, () => print('Making an example: two volumes of 250 MiB together …\n'))
}

function resolveStore(flags: StandaloneFlags, dataDir: string): string {
  return resolve(flags.backupLocalDir ?? join(dataDir, 'store'))
}

interface Local {
  dataDir: string
  log: Log
}

async function startLocalDaemon(
  flags: StandaloneFlags,
  { dataDir, log, zoneProblem }: Local & { zoneProblem: string | null },
): Promise<Daemon> {
  const dir = resolveStore(flags, dataDir)
  if (!flags.backupLocalDir) await makeFolder(dir)
  return startDaemon({
    ...parseAddress('--daemon-addr', flags.daemonAddr),
    ip: flags.ip,
    dataDir: join(dataDir, 'daemon'),
    volumeRoot: flags.volumeRoot,
    allowPaths: flags.allowPath,
    store: { driver: 'local', dir },
    ...passwordFileOf(flags),
    takeOver: flags.takeOver,
    claimStore: flags.claimStore,
    newRepository: flags.newRepository,
    allowedHosts: flags.allowedHost,
    connections: connectionsOf(flags),
    log,
    clock: systemClock,
    zoneProblem,
    concurrency: 2,
    version: VERSION,
  })
}

async function startLocalController(
  flags: StandaloneFlags,
  { dataDir, log, daemon, inventory }: Local & { daemon: Daemon; inventory: string },
): Promise<Controller> {
  const address = parseAddress('--addr', flags.addr)
  const source = inventoryOf({
    from: { file: inventory },
    localIp: flags.ip,
    log,
  })
  return startController({
    ...address,
    advertise: '',
    dataDir: join(dataDir, 'controller'),
    copyDir: resolve(flags.copyDir ?? join(dataDir, 'copies')),
    inventory: source,
    // In standalone mode the operator wrote the inventory, so the daemon may use the volumes in it.
    onPaths: (paths) => daemon.allow(paths),
    volumeRoot: flags.volumeRoot,
    keepRecordsMs: parseKeepRecords(flags.keepRecords),
    addressOf: (ip) => (ip === flags.ip ? daemon.url : `http://${ip}:9002`),
    // Controller and daemon of one process belong together, even if the data of one was replaced.
    takesOver: (server) => server === flags.ip,
    newsFrom: newsFromOf(flags),
    allowedHosts: flags.allowedHost,
    connections: connectionsOf(flags),
    log,
    clock: systemClock,
    webDir,
    version: VERSION,
  })
}

/** Accepts news from loopback too, because the machine may not have the address given with `--ip`. */
function newsFromOf({ ip, newsFrom }: StandaloneFlags): (server: string) => readonly string[] {
  const given = parseNewsFrom(newsFrom)
  return (server) => (server === ip ? ['127.0.0.1', '::1', ...given(server)] : given(server))
}
