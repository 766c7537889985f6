import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { ADMIN_TOKEN_FILE } from '../controller/admin-token.ts'
import { createInventorySource, createSettingsSource } from '../controller/inventory-source.ts'
import { createLoginCode, printLoginLink } from '../controller/login-link.ts'
import { readRememberedPaths } from '../controller/remembered-paths.ts'
import { type Controller, startController } from '../controller/server.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { createInternalLink, type InternalLink } from '../http/internal-link.ts'
import { systemClock } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { describePlace, type StoreSettings } from '../wire/store-settings.ts'
import { addAccessFlags } from './access-flags.ts'
import { type Address, parseAddress } from './address.ts'
import {
  type CommonControllerFlags,
  type CommonDaemonFlags,
  readCommonControllerFlags,
  readCommonDaemonFlags,
} from './common-options.ts'
import { makeExample } from './example/make-example.ts'
import { KEEP_AUDIT, KEEP_RECORDS } from './keep-records.ts'
import { DAEMON_TLS_ADDR, LEGACY_PEER } from './legacy-peer.ts'
import { createLog } from './log.ts'
import { NEWS_FROM } from './news-from.ts'
import { rereadOnHangUp } from './on-hang-up.ts'
import { OVERDUE_GRACE } from './overdue-grace.ts'
import { repairOwnModes } from './own-files.ts'
import { print } from './print.ts'
import {
  ALLOW_HOST_HOOKS,
  ALLOW_PATH,
  ALLOWED_HOST,
  addrFlag,
  CLAIM_STORE,
  CONTAINER_SOCKET,
  COPY_DIR,
  DAEMON_METRICS_ADDR,
  DEBUG,
  DRILL_DIR,
  dataFlag,
  inventoryFlag,
  ipFlag,
  MAX_SOCKETS,
  METRICS_ADDR,
  NEW_REPOSITORY,
  PASSWORD_FILE_FLAG,
  RECOVER_DIR,
  SETTINGS_FLAG,
  TAKE_OVER_NAMESPACE,
  VOLUME_ROOT,
} from './shared-flags.ts'
import { addStoreFlags, parseStore, type StoreFlags } from './store-flags.ts'
import { setTimeZone } from './time-zone.ts'
import { UNDO_WINDOW } from './undo-window.ts'
import { catchStopSignals, waitUntilStopped } from './until-stopped.ts'
import { welcome } from './welcome.ts'

interface StandaloneFlags extends CommonDaemonFlags, CommonControllerFlags, StoreFlags {
  inventory?: string
  data: string
  addr: string
  daemonAddr: string
  daemonMetricsAddr?: string
  debug: boolean
}

export function standaloneCommand(): Command {
  const command = addAccessFlags(new Command('standalone'))
    .description('Runs one controller and one daemon in one process, by default with a local store.')
    .addOption(inventoryFlag('what is backed up, how often, and how long; without it, an example is created'))
    .addOption(SETTINGS_FLAG)
    .addOption(dataFlag('catalog, jobs, records, and the store unless it is elsewhere', './data'))
    .addOption(addrFlag('where users reach the controller', '127.0.0.1:9002'))
    .option('--daemon-addr <host:port>', 'where the daemon listens', '127.0.0.1:9003')
    .addOption(ipFlag('the name of this machine in the inventory and in the store').default('127.0.0.1'))
  return addStoreFlags(command, 'local')
    .addOption(COPY_DIR)
    .addOption(VOLUME_ROOT)
    .addOption(ALLOW_PATH)
    .addOption(RECOVER_DIR)
    .addOption(DRILL_DIR)
    .addOption(ALLOW_HOST_HOOKS)
    .addOption(CONTAINER_SOCKET)
    .addOption(KEEP_RECORDS)
    .addOption(KEEP_AUDIT)
    .addOption(UNDO_WINDOW)
    .addOption(OVERDUE_GRACE)
    .addOption(ALLOWED_HOST)
    .addOption(PASSWORD_FILE_FLAG)
    .addOption(TAKE_OVER_NAMESPACE)
    .addOption(CLAIM_STORE)
    .addOption(NEW_REPOSITORY)
    .addOption(MAX_SOCKETS)
    .addOption(METRICS_ADDR)
    .addOption(DAEMON_METRICS_ADDR)
    .addOption(NEWS_FROM)
    .addOption(DAEMON_TLS_ADDR)
    .addOption(LEGACY_PEER)
    .addOption(DEBUG)
    .action(runStandalone)
}

async function runStandalone(flags: StandaloneFlags): Promise<void> {
  const log = createLog(flags)
  const hangUp = rereadOnHangUp(log)
  const zoneProblem = setTimeZone(log)
  const dataDir = await makeDataDir(flags.data)
  repairOwnModes(dataDir, log)
  const store = parseStandaloneStore(flags, dataDir)
  const inventory = flags.inventory ? resolve(flags.inventory) : await exampleIn(dataDir)
  await using parts = new AsyncDisposableStack()
  const link = await createInternalLink(flags.ip, systemClock.now())
  const local = { dataDir, log, link }
  const daemon = parts.adopt(await startLocalDaemon(flags, { ...local, zoneProblem, store }), (it) =>
    it.close(),
  )
  const stop = new AbortController()
  const signals = catchStopSignals(stop)
  const controller = parts.adopt(
    await startLocalController(flags, { ...local, daemon, inventory, stop: stop.signal }),
    (it) => it.close(),
  )
  hangUp.begin(() => controller.rereadInventory())
  print(
    welcome({
      url: controller.url,
      inventory,
      store: describePlace(store),
      example: !flags.inventory,
      anonymous: controller.anonymous,
      loginLink: await makeLoginLink(controller, join(dataDir, 'controller')),
      tokenFile: join(dataDir, 'controller', ADMIN_TOKEN_FILE),
    }),
  )
  // The daemon first, so that the controller still accepts its last news.
  const close = async () => {
    await daemon.close()
    await controller.close()
  }
  await waitUntilStopped(close, controller.failure, signals)
}

async function makeDataDir(path: string): Promise<string> {
  const dataDir = resolve(path)
  try {
    await makeFolder(dataDir)
    return dataDir
  } catch (cause) {
    const message = `Cannot create the data directory ${dataDir}: ${messageOf(cause)}. Name another with --data`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

function exampleIn(dataDir: string): Promise<string> {
  return makeExample(dataDir, () => print('Creating an example: two volumes with 250 MiB in total …\n'))
}

function parseStandaloneStore(flags: StandaloneFlags, dataDir: string): StoreSettings {
  return parseStore({ ...flags, backupLocalDir: flags.backupLocalDir ?? join(dataDir, 'store') })
}

/** On a terminal alone: whoever reads a log must not find it there. */
async function makeLoginLink({ url, anonymous }: Controller, dataDir: string): Promise<string | undefined> {
  if (!process.stdout.isTTY || anonymous === 'admin') return undefined
  return printLoginLink(url, await createLoginCode(dataDir, systemClock.now()))
}

interface Local {
  dataDir: string
  log: Log
  /** Every user of the machine reaches its ports. */
  link: InternalLink
}

async function startLocalDaemon(
  flags: StandaloneFlags,
  { dataDir, log, link, zoneProblem, store }: Local & { zoneProblem: string | null; store: StoreSettings },
): Promise<Daemon> {
  if (store.driver === 'local' && !flags.backupLocalDir) await makeFolder(store.dir)
  const common = readCommonDaemonFlags(flags)
  // Jobs that are due at once must not wait for the controller, which allows the paths of its inventory a moment later.
  const firstPaths = await readRememberedPaths(join(dataDir, 'controller'), { ...common, log })
  return startDaemon({
    ...common,
    firstPaths,
    ...parseAddress('--daemon-addr', flags.daemonAddr),
    metricsAddress: readDaemonMetricsAddress(flags),
    dataDir: join(dataDir, 'daemon'),
    store,
    concurrency: 2,
    link,
    log,
    zoneProblem,
  })
}

function readDaemonMetricsAddress({ daemonMetricsAddr: address }: StandaloneFlags): Address | undefined {
  return address === undefined ? undefined : parseAddress('--daemon-metrics-addr', address)
}

interface LocalControllerParts extends Local {
  daemon: Daemon
  inventory: string
  stop: AbortSignal
}

async function startLocalController(
  flags: StandaloneFlags,
  { dataDir, log, link, daemon, inventory, stop }: LocalControllerParts,
): Promise<Controller> {
  const common = readCommonControllerFlags(flags, dataDir)
  refuseUnnamedAddress(common.daemonTls)
  return startController({
    ...common,
    ...parseAddress('--addr', flags.addr),
    advertise: '',
    stop,
    dataDir: join(dataDir, 'controller'),
    inventory: createInventorySource({
      from: { file: inventory },
      localIp: flags.ip,
      clock: systemClock,
      log,
    }),
    settings: createSettingsSource(flags.settings, log),
    // In standalone mode the operator wrote the inventory, so the daemon may use the volumes in it.
    onPaths: (paths) => daemon.allow(paths),
    addressOf: (ip) => (ip === flags.ip ? daemon.url : `http://${ip}:9002`),
    // Controller and daemon of one process belong together, even if the data of one was replaced.
    takesOver: (server) => server === flags.ip,
    link,
    log,
  })
}

/** Join tokens name the address, and standalone has no --advertise. */
function refuseUnnamedAddress(address: { host: string } | undefined): void {
  if (!['0.0.0.0', '::'].includes(address?.host ?? '')) return
  const message =
    '--daemon-tls-addr names every address, expected the one at which daemons reach this machine'
  throw new BackupdError('BAD_INPUT', message)
}
