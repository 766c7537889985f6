import { text } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import { startDaemon } from '../daemon/daemon.ts'
import { readFileIfThere } from '../lib/atomic-file.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { parseAddress } from './address.ts'
import { type CommonDaemonFlags, readCommonDaemonFlags } from './common-options.ts'
import { createLog } from './log.ts'
import { repairOwnModes } from './own-files.ts'
import {
  ALLOW_HOST_HOOKS,
  ALLOW_PATH,
  ALLOWED_HOST,
  addrFlag,
  CLAIM_STORE,
  CONTAINER_SOCKET,
  DEBUG,
  DRILL_DIR,
  dataFlag,
  ipFlag,
  MAX_SOCKETS,
  METRICS_ADDR,
  type MetricsFlags,
  NEW_REPOSITORY,
  PASSWORD_FILE_FLAG,
  RECOVER_DIR,
  readMetricsAddress,
  TAKE_OVER_NAMESPACE,
  VOLUME_ROOT,
} from './shared-flags.ts'
import { addStoreFlags, parseStore, type StoreFlags } from './store-flags.ts'
import { setTimeZone } from './time-zone.ts'
import { waitUntilStopped } from './until-stopped.ts'

interface DaemonFlags extends CommonDaemonFlags, StoreFlags, MetricsFlags {
  addr: string
  data: string
  concurrency: number
  releaseController: boolean
  joinFile?: string
  debug: boolean
}

const CONCURRENCY = new Option('--concurrency <n>', 'how many runs work at the same time')
  .argParser(parseConcurrency)
  .default(4, '"4"')

export function daemonCommand(): Command {
  const command = new Command('daemon')
    .description('Runs the backup jobs of this machine, which a controller sends.')
    .addOption(addrFlag('where to listen for the controller', ':9002'))
    .addOption(
      ipFlag(
        "this machine's IPv4 address: its name in the inventory, and its folder in the store",
      ).makeOptionMandatory(),
    )
    .addOption(
      dataFlag(
        'the directory of jobs, records, and news that no controller has accepted yet',
        '/var/lib/backupd',
      ),
    )
    .addOption(VOLUME_ROOT)
    .addOption(ALLOW_PATH)
    .addOption(RECOVER_DIR)
    .addOption(DRILL_DIR)
    .addOption(ALLOW_HOST_HOOKS)
    .addOption(CONTAINER_SOCKET)
  return addStoreFlags(command, 'moosefs')
    .addOption(ALLOWED_HOST)
    .addOption(CONCURRENCY)
    .addOption(PASSWORD_FILE_FLAG)
    .addOption(TAKE_OVER_NAMESPACE)
    .addOption(CLAIM_STORE)
    .addOption(NEW_REPOSITORY)
    .addOption(MAX_SOCKETS)
    .addOption(METRICS_ADDR)
    .option('--release-controller', 'let another controller send the next list of jobs', false)
    .option(
      '--join-file <file>',
      'enrol with the join token in this file (- reads it from stdin); not needed again after that',
    )
    .addOption(DEBUG)
    .action(runDaemon)
}

async function runDaemon(flags: DaemonFlags): Promise<void> {
  const log = createLog(flags)
  const zoneProblem = setTimeZone(log)
  repairOwnModes(flags.data, log)
  const daemon = await startDaemon({
    ...readCommonDaemonFlags(flags),
    ...parseAddress('--addr', flags.addr),
    metricsAddress: readMetricsAddress(flags),
    dataDir: flags.data,
    store: parseStore(flags),
    releaseController: flags.releaseController,
    concurrency: flags.concurrency,
    joinToken: await readJoinFile(flags),
    log,
    zoneProblem,
  })
  log.info({ url: daemon.url, ip: flags.ip, data: flags.data }, `The daemon listens on ${daemon.url}`)
  await waitUntilStopped(() => daemon.close())
}

/**
 * The token itself is not a flag, because every user of the machine can read command lines. A file that is gone, or an
 * empty stdin, is an empty token: the daemon refuses it unless it is enrolled already.
 */
async function readJoinFile({ joinFile }: DaemonFlags): Promise<string | undefined> {
  if (joinFile === undefined) return undefined
  try {
    return joinFile === '-' ? await text(process.stdin) : ((await readFileIfThere(joinFile)) ?? '')
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--join-file cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function parseConcurrency(text: string): number {
  const runs = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (runs > 0) return runs
  throw new BackupdError('BAD_INPUT', `--concurrency is "${text}": write a whole number from 1 to 999`)
}
