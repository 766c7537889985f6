import { resolve } from 'node:path'
import { Command } from 'commander'
import { createInventorySource, createSettingsSource } from '../controller/inventory-source.ts'
import { startController } from '../controller/server.ts'
import { systemClock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isLoopback } from '../lib/loopback.ts'
import { addAccessFlags } from './access-flags.ts'
import { type Address, parseAddress } from './address.ts'
import { type CommonControllerFlags, readCommonControllerFlags } from './common-options.ts'
import { KEEP_AUDIT, KEEP_RECORDS } from './keep-records.ts'
import { DAEMON_TLS_ADDR, LEGACY_PEER } from './legacy-peer.ts'
import { createLog } from './log.ts'
import { NEWS_FROM } from './news-from.ts'
import { rereadOnHangUp } from './on-hang-up.ts'
import { OVERDUE_GRACE } from './overdue-grace.ts'
import { repairOwnModes } from './own-files.ts'
import {
  ALLOWED_HOST,
  addrFlag,
  COPY_DIR,
  DEBUG,
  dataFlag,
  inventoryFlag,
  MAX_SOCKETS,
  METRICS_ADDR,
  SETTINGS_FLAG,
  VOLUME_ROOT,
} from './shared-flags.ts'
import { setTimeZone } from './time-zone.ts'
import { UNDO_WINDOW } from './undo-window.ts'
import { catchStopSignals, type StopSignals, waitUntilStopped } from './until-stopped.ts'

interface ControllerFlags extends CommonControllerFlags {
  addr: string
  inventory?: string
  lainlet?: string
  advertise?: string
  data: string
  dport: string
  takeOver: boolean
  debug: boolean
}

/** The default address of the legacy system. */
const LAINLET = 'lainlet.lain:9001'

export function controllerCommand(): Command {
  return addAccessFlags(new Command('controller'))
    .description('Sends daemons their jobs, remembers every run and backup, and answers users.')
    .addOption(addrFlag('where to listen for users and daemons', ':9002'))
    .addOption(
      inventoryFlag('a file: what is backed up, where it is, how often, and how long backups are kept'),
    )
    .option('--lainlet <host:port>', `reads the same from lainlet; ${LAINLET} if neither is given`)
    .option(
      '--advertise <url>',
      'the URL at which daemons reach this controller, such as http://10.0.0.1:9002',
    )
    .addOption(SETTINGS_FLAG)
    .addOption(dataFlag('the directory of the catalog', '/var/lib/backupd'))
    .addOption(COPY_DIR)
    .option('--dport <port>', 'the port of the daemons', '9002')
    .addOption(VOLUME_ROOT)
    .addOption(KEEP_RECORDS)
    .addOption(KEEP_AUDIT)
    .addOption(UNDO_WINDOW)
    .addOption(OVERDUE_GRACE)
    .addOption(ALLOWED_HOST)
    .addOption(MAX_SOCKETS)
    .addOption(METRICS_ADDR)
    .addOption(NEWS_FROM)
    .addOption(DAEMON_TLS_ADDR)
    .addOption(LEGACY_PEER)
    .option('--take-over', 'take over daemons that have the jobs of another controller', false)
    .addOption(DEBUG)
    .action(runController)
}

async function runController(flags: ControllerFlags): Promise<void> {
  const log = createLog(flags)
  const address = parseAddress('--addr', flags.addr)
  const advertise = readAdvertisedUrl(flags, address)
  const dport = parseAddress('--dport', `:${flags.dport}`).port
  const dataDir = resolve(flags.data)
  repairOwnModes(dataDir, log)
  const hangUp = rereadOnHangUp(log)
  setTimeZone(log)
  const stop = new AbortController()
  let signals: StopSignals | undefined
  const controller = await startController({
    ...readCommonControllerFlags(flags, dataDir),
    ...address,
    advertise,
    dataDir,
    inventory: createInventorySource({
      from: inventoryFrom(flags, log),
      localIp: new URL(advertise).hostname,
      clock: systemClock,
      log,
    }),
    settings: createSettingsSource(flags.settings, log),
    addressOf: (ip) => `http://${ip}:${dport}`,
    takesOver: () => flags.takeOver,
    stop: stop.signal,
    // It may still read its inventory for a while then.
    onListening: (url) => {
      signals = catchStopSignals(stop)
      log.info({ url }, `The controller listens on ${url}`)
    },
    log,
  })
  warnOfReach(address, flags, log)
  hangUp.begin(() => controller.rereadInventory())
  await waitUntilStopped(() => controller.close(), controller.failure, signals)
}

function inventoryFrom({ inventory, lainlet }: ControllerFlags, log: Log) {
  if (inventory !== undefined && lainlet !== undefined) {
    throw new BackupdError(
      'BAD_INPUT',
      '--inventory and --lainlet are both given: only one of them can be used',
    )
  }
  if (inventory !== undefined) return { file: resolve(inventory) }
  const { host, port } = parseAddress('--lainlet', lainlet ?? LAINLET)
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const why = lainlet === undefined ? ', because neither --inventory nor --lainlet is given' : ''
  log.info({ lainlet: address }, `The inventory comes from lainlet at ${address}${why}`)
  return { lainlet: address }
}

/** What tokens do not protect: docs/security.md. The controller itself reports that data from before them is open. */
function warnOfReach({ host, port }: Address, { anonymous = 'none' }: ControllerFlags, log: Log): void {
  const who = anonymous === 'admin' ? 'run, recover, migrate and delete backups' : 'see what is backed up'
  const open = anonymous === 'none' ? '' : `Everyone who reaches ${host}:${port} can ${who} without a token. `
  if (anonymous !== 'none')
    log.warn({ host, port, anonymous }, `${open.trim()} docs/security.md says how to end that`)
  if (isLoopback(host)) return
  log.warn(
    { host, port, anonymous },
    `The port is plain HTTP and accepts news of daemons by their address alone: let only operators and daemons reach it`,
  )
}

/** The URL for daemons. If we listen on all addresses, only the operator knows which one they can reach. */
function readAdvertisedUrl({ advertise, addr }: ControllerFlags, { host, port }: Address): string {
  if (advertise === undefined && !['0.0.0.0', '::'].includes(host)) return `http://${host}:${port}`
  if (advertise !== undefined && /^https?:$/.test(URL.parse(advertise)?.protocol ?? ''))
    return advertise.replace(/\/$/, '')
  throw new BackupdError(
    'BAD_INPUT',
    `--advertise is ${JSON.stringify(advertise ?? '')}: with --addr ${addr} write the URL at which daemons reach this controller, such as http://10.0.0.1:${port}`,
  )
}
