// The daemon process: it opens its memory (memory/), serves its routes (http/, handlers/), runs the engine and sends
// news of its records to controllers (notifier/). cli/ starts it; the standalone command adds a controller.
// It may import lib, wire, http, metrics, engine, its plugins and store. It knows no controller code, because a daemon
// runs on machines where no controller is.

import { resolve } from 'node:path'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import type { RunSettings } from '../engine/plugin.ts'
import type { ConnectionLimits } from '../http/connection-limits.ts'
import type { InternalLink } from '../http/internal-link.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import { DataRoom } from '../lib/data-room.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Problems } from '../lib/problems.ts'
import { sleep } from '../lib/sleep.ts'
import { FULL_DISK_TEXTS } from '../wire/health-texts.ts'
import type { HookSettings } from '../wire/hook-settings.ts'
import type { RunRecord } from '../wire/record.ts'
import { findSharedPlace, type StoreSettings } from '../wire/store-settings.ts'
import { ControllerBond } from './controller-bond.ts'
import { type DataDir, openDataDir } from './data-dir.ts'
import type { DaemonParts } from './http/route.ts'
import { type HttpServer, type ServeOptions, serve } from './http/server.ts'
import { CertificateRenewal } from './identity/certificate-renewal.ts'
import { openDaemonIdentity } from './identity/identity.ts'
import { createInternalIdentity } from './identity/present-identity.ts'
import { SigningStart } from './identity/signing-start.ts'
import { KeptCopies } from './kept-copies.ts'
import { logPassword } from './log-password.ts'
import type { StoreMemory } from './memory/store-memory.ts'
import { openEngine } from './open-engine.ts'
import { warnOfReach } from './reach.ts'
import { DAEMON_ROUTES, METRICS_ROUTE } from './routes.ts'
import { Startup } from './startup.ts'
import { KnownSpace } from './store-space.ts'

export interface DaemonOptions {
  host: string
  /** 0 = any free port. */
  port: number
  /** This daemon's IP, which is its namespace in the store and the prefix of its job ids. */
  ip: string
  dataDir: string
  volumeRoot: string
  allowPaths: string[]
  /** Where recovers may make new folders; if left out, nowhere. */
  recoverDir?: string
  /** Where drills restore; if left out, none is done. */
  drillDir?: string
  /** What hooks may do; if left out, none is run. */
  hooks?: HookSettings
  /** Directories besides `allowPaths` that runs may use until allow() is called. */
  firstPaths?: string[]
  store: StoreSettings
  /** The file with the repository password; if left out, the password is created in the store. */
  repositoryPasswordFile?: string
  /** Takes the namespace over from another daemon that owns it. */
  takeOver: boolean
  /** Accepts the present store, even if it is not the one that this daemon wrote to. */
  claimStore?: boolean
  /** Accepts that the increment repository is missing or a different one. */
  newRepository?: boolean
  /** Lets any controller send the next list of jobs. */
  releaseController?: boolean
  /** Host names that requests may come to, besides IP addresses and localhost. */
  allowedHosts: string[]
  /** Limits that differ from CONNECTION_LIMITS. */
  connections?: Partial<ConnectionLimits>
  /** What "backupd server invite" printed; the daemon enrols with it, unless it has used it before. */
  joinToken?: string | undefined
  /** The controller runs in the same process, and nobody else is answered. */
  link?: InternalLink | undefined
  /** Where to serve /metrics alone. */
  metricsAddress?: { host: string; port: number } | undefined
  log: Log
  clock: Clock
  /** Why the machine's time zone could not be read; schedules then run in UTC. */
  zoneProblem?: string | null
  /** How many runs may run in parallel. */
  concurrency: number
  version: string
  /** Idle child processes kept ready; default 1. */
  warmRunners?: number
}

export interface Daemon {
  /** `http://127.0.0.1:9002` */
  url: string
  /** Sets the directories besides `allowPaths` that runs may use from now on; replaces those of the last call. */
  allow(paths: string[]): void
  /** Refuses new requests, gives runs a while to end, sends what news it can. Unsent news stays on disk. */
  close(): Promise<void>
}

const claimedSchema = z.object({
  madePassword: z.boolean(),
  storeId: z.string(),
  /** A different store than the known one was accepted (`claimStore`). */
  startsOver: z.boolean(),
  /** What is missing in the store, which was claimed nevertheless. */
  missing: z.string().optional(),
  /** Whether the store keeps what is deleted as versions; undefined if it cannot, or does not tell. */
  keepsVersions: z.boolean().optional(),
})

const KEEPS_VERSIONS =
  'The bucket of the store keeps versions: what backupd deletes goes on taking room there, until a lifecycle rule of the bucket removes older versions (docs/store.md#s3)'

/** startDaemon returns when the engine is up, or after this time, so that a slow store does not block the start. */
const START_TIMEOUT_MS = 5000

/**
 * Opens the memory, listens, then starts the engine (see Startup).
 * Throws one BackupdError that names the obstacle: the port, the data directory, or another daemon that has that
 * directory or the store's namespace.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using parts = new AsyncDisposableStack()
  const { log, clock } = options
  const dir = parts.adopt(await openDataDir(resolve(options.dataDir)), (it) => it.release())
  const { link } = options
  const enrolled = link ? undefined : await openDaemonIdentity({ ...options, dataDir: dir.path })
  const identity = link ? createInternalIdentity(link) : enrolled
  const settings = makeSettings(options, dir)
  const problems = new Problems(clock)
  const { zoneProblem: text } = options
  if (text) problems.report({ source: 'time-zone', key: 'unknown', text })
  const room = parts.adopt(
    await DataRoom.open({ dir: dir.path, clock, log, problems, texts: FULL_DISK_TEXTS }),
    (it) => it.close(),
  )
  let keptCopies: KeptCopies | undefined
  const onRecords = (records: readonly RunRecord[]) => keptCopies?.note(records)
  const opened = openEngine({ ...options, settings, problems, room, identity, onRecords }, parts)
  const { engine, scheduler, notifier, trustedClock, stores, controllers, runMeter } = opened
  const signing =
    enrolled && parts.use(new SigningStart(enrolled, { trustedClock, problems, log, dataDir: dir.path }))
  await signing?.begin()
  const bond = parts.adopt(new ControllerBond(controllers, { problems, log, clock }), (it) => it.close())
  if (options.releaseController) bond.release()
  const { driver } = settings.store
  const place = findSharedPlace(settings.store)
  const space = new KnownSpace({ driver, place, problems, clock, ask: () => engine.ask('store_space', {}) })
  const claim = () => claimStore(options, engine, { stores, space })
  const startup = new Startup({ claim, engine, scheduler, log })
  parts.defer(() => startup.stop())
  keptCopies = parts.use(new KeptCopies({ engine, log, isReady: () => startup.waitsFor === undefined }))
  const { ip, daemonId, version } = settings
  const facts = { ip, daemonId, version, startTime: isoTime(clock.now()) }
  const notReady = () => startup.waitsFor
  const shown = { problems, trustedClock, runMeter, log }
  let http: HttpServer | undefined
  const onRenewed = () => http?.renewed()
  const renewal = { ...options, problems, addresses: () => notifier.addresses(), onRenewed }
  const certificate = enrolled && parts.use(new CertificateRenewal(enrolled, renewal))
  const world = {
    engine,
    scheduler,
    notifier,
    bond,
    space,
    certificate,
    keptCopies,
    ...shown,
    ...facts,
    notReady,
  }
  http = parts.adopt(await serve(DAEMON_ROUTES, world, { ...options, identity }), (it) => it.close())
  if (options.metricsAddress) await serveMetrics(world, { ...options, ...options.metricsAddress }, parts)
  if (!identity) warnOfReach(options)
  notifier.start()
  keptCopies.start()
  await waitForStart(startup, log, keptCopies)
  void engine.drillPlace.check()
  const owned = parts.move()
  return {
    url: http.url,
    allow: (paths) => {
      settings.allowPaths = absolute([...options.allowPaths, ...paths])
    },
    close: () => owned.disposeAsync(),
  }
}

/** Serves /metrics, and nothing else: who reads it need not reach the port that accepts runs and deletes. */
async function serveMetrics(
  world: DaemonParts,
  options: ServeOptions,
  parts: AsyncDisposableStack,
): Promise<void> {
  const { url } = parts.adopt(
    await serve([METRICS_ROUTE], world, { ...options, identity: undefined }),
    (it) => it.close(),
  )
  world.log.info({ url }, `Whoever reaches ${url} reads /metrics there`)
}

/** Claims the store in a child process, like all file work, so that a hanging store does not block HTTP. */
async function claimStore(
  options: DaemonOptions,
  engine: Engine,
  { stores, space }: { stores: StoreMemory; space: KnownSpace },
): Promise<void> {
  const { takeOver, claimStore = false, newRepository = false, store, log } = options
  if (newRepository) stores.forgetSnapshots()
  const answer = await engine.ask('store_claim', { takeOver, claimStore, newRepository })
  const { madePassword, storeId, startsOver, missing, keepsVersions } = claimedSchema.parse(answer)
  stores.noteClaim(storeId, startsOver)
  space.noteVersions(keepsVersions ?? null)
  if (keepsVersions) log.warn({}, KEEPS_VERSIONS)
  if (missing !== undefined) log.error({}, `${missing}. Full backups continue`)
  if (madePassword) logPassword(log, store)
  if (claimStore && !startsOver)
    log.warn({ storeId }, 'The store is the known one: start without --claim-store from now on')
}

function makeSettings(options: DaemonOptions, { path, daemonId }: DataDir): RunSettings {
  const {
    ip,
    store,
    version,
    repositoryPasswordFile: file,
    firstPaths = [],
    hooks = {},
    recoverDir,
    drillDir,
  } = options
  const allowPaths = absolute([...options.allowPaths, ...firstPaths])
  const reach = { volumeRoot: resolve(options.volumeRoot), allowPaths }
  return {
    ip,
    daemonId,
    dataDir: path,
    ...reach,
    ...(recoverDir === undefined ? {} : { recoverDir: resolve(recoverDir) }),
    ...(drillDir === undefined ? {} : { drillDir: resolve(drillDir) }),
    store,
    version,
    hooks,
    ...(file === undefined ? {} : { repositoryPasswordFile: resolve(file) }),
  }
}

function absolute(paths: string[]): string[] {
  return paths.map((path) => resolve(path))
}

/** Throws an error that occurs within START_TIMEOUT_MS. A later one is logged, and requests for runs stay refused. */
async function waitForStart(startup: Startup, log: Log, keptCopies: KeptCopies): Promise<void> {
  const started = new AbortController()
  const run = startup.run().then(() => keptCopies.look())
  const late = sleep(START_TIMEOUT_MS, started.signal)
  try {
    await Promise.race([run, late])
  } finally {
    started.abort()
  }
  run.catch((error) => log.error({ error }, `The daemon does not accept work: ${messageOf(error)}`))
}
