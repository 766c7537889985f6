import { resolve } from 'node:path'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import type { RunSettings } from '../engine/plugin.ts'
import type { ConnectionLimits } from '../http/connection-limits.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import { DataRoom } from '../lib/data-room.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Problems } from '../lib/problems.ts'
import { sleep } from '../lib/sleep.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { ControllerBond } from './controller-bond.ts'
import { type DataDir, openDataDir } from './data-dir.ts'
import { serve } from './http/server.ts'
import type { StoreMemory } from './memory/store-memory.ts'
import { openEngine } from './open-engine.ts'
import { warnOfReach } from './reach.ts'
import { ROUTES } from './routes.ts'
import { Startup } from './startup.ts'
import { StoreSpace } from './store-space.ts'
import { tellPassword } from './tell-password.ts'

export interface DaemonOptions {
  host: string
  /** 0 = any free port. */
  port: number
  /** This daemon's IP: its namespace in the store, and the prefix of its job ids. */
  ip: string
  dataDir: string
  volumeRoot: string
  allowPaths: string[]
  store: StoreSettings
  /** The file with the password of increments; where none is given it is made in the store. */
  repositoryPasswordFile?: string
  /** Takes the namespace over from another daemon that owned it. */
  takeOver: boolean
  /** Accepts the store as it is now, although it is not the one that this daemon wrote to. */
  claimStore?: boolean
  /** Accepts that the increment repository is gone, or is another one. */
  newRepository?: boolean
  /** Lets any controller send the next list of jobs. */
  releaseController?: boolean
  /** Host names that requests may come to, besides IP addresses and localhost. */
  allowedHosts: string[]
  /** Where they differ from CONNECTION_LIMITS. */
  connections?: Partial<ConnectionLimits>
  log: Log
  clock: Clock
  /** Why the machine's time zone could not be taken; its schedules run in UTC then. */
  zoneProblem?: string | null
  /** Runs at once. */
  concurrency: number
  version: string
  /** Child processes kept ready; 1 unless given. */
  warmRunners?: number
}

export interface Daemon {
  /** `http://127.0.0.1:9002` */
  url: string
  /** Directories that runs may touch besides `allowPaths` from now on; replaces those of the last call. */
  allow(paths: string[]): void
  /** Takes no more requests, gives runs a while to end, brings what news it can; the rest is on disk. */
  close(): Promise<void>
}

const claimedSchema = z.object({
  madePassword: z.boolean(),
  storeId: z.string(),
  /** It is another store than the known one, and accepted as it is. */
  startsOver: z.boolean(),
  /** What is missing of the store that was claimed all the same. */
  missing: z.string().optional(),
})

/** The daemon counts as started when its engine is up, or after this: a slow store does not keep it from answering. */
const START_MS = 5000

/**
 * Opens its memory, listens, then brings its engine up (see Startup).
 * Throws one BackupdError that says what stands in the way: the port, the data directory, another daemon that has
 * that directory or the store's namespace.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using parts = new AsyncDisposableStack()
  const { log, clock } = options
  const dir = parts.adopt(await openDataDir(resolve(options.dataDir)), (it) => it.release())
  const settings = settingsOf(options, dir)
  const problems = new Problems(clock)
  const { zoneProblem: text } = options
  if (text) problems.report({ source: 'time-zone', key: 'unknown', text })
  const room = parts.adopt(await DataRoom.open({ dir: dir.path, clock, log, problems }), (it) => it.close())
  const opened = openEngine({ ...options, settings, problems, room }, parts)
  const { engine, scheduler, notifier, trustedClock, stores, controllers } = opened
  const bond = parts.adopt(new ControllerBond(controllers, { problems, log }), (it) => it.close())
  if (options.releaseController) bond.release()
  const startup = new Startup({ claim: () => claimStore(options, engine, stores), engine, scheduler, log })
  parts.defer(() => startup.stop())
  const { driver } = settings.store
  const space = new StoreSpace({ driver, problems, ask: () => engine.ask('store_space', {}) })
  const { ip, daemonId, version } = settings
  const facts = { ip, daemonId, version, startTime: isoTime(clock.now()) }
  const notReady = () => startup.waitsFor
  const world = { engine, scheduler, notifier, bond, space, problems, trustedClock, log, ...facts, notReady }
  const http = parts.adopt(await serve(ROUTES, world, options), (it) => it.close())
  warnOfReach(options)
  notifier.start()
  await bringUp(startup, log)
  const owned = parts.move()
  return {
    url: http.url,
    allow: (paths) => {
      settings.allowPaths = absolute([...options.allowPaths, ...paths])
    },
    close: () => owned.disposeAsync(),
  }
}

/** In a child process, as all file work: this one answers HTTP while a store does not. */
async function claimStore(options: DaemonOptions, engine: Engine, stores: StoreMemory): Promise<void> {
  const { takeOver, claimStore = false, newRepository = false, store, log } = options
  if (newRepository) stores.forgetSnapshots()
  const answer = await engine.ask('store_claim', { takeOver, claimStore, newRepository })
  const { madePassword, storeId, startsOver, missing } = claimedSchema.parse(answer)
  stores.claimed(storeId, startsOver)
  if (missing !== undefined) log.error({}, `${missing}. Full backups continue`)
  if (madePassword) tellPassword(log, store)
  if (claimStore && !startsOver)
    log.warn({ storeId }, 'The store is the known one: start without --claim-store from now on')
}

function settingsOf(options: DaemonOptions, { path, daemonId }: DataDir): RunSettings {
  const { ip, store, version, repositoryPasswordFile: file } = options
  const reach = { volumeRoot: resolve(options.volumeRoot), allowPaths: absolute(options.allowPaths) }
  return {
    ip,
    daemonId,
    dataDir: path,
    ...reach,
    store,
    version,
    ...(file === undefined ? {} : { repositoryPasswordFile: resolve(file) }),
  }
}

function absolute(paths: string[]): string[] {
  return paths.map((path) => resolve(path))
}

/** Throws what comes up at once; what comes later is logged, and the daemon says on every route why it takes no work. */
async function bringUp(startup: Startup, log: Log): Promise<void> {
  const patience = new AbortController()
  const run = startup.run()
  const late = sleep(START_MS, patience.signal)
  try {
    await Promise.race([run, late])
  } finally {
    patience.abort()
  }
  run.catch((error) => log.error({ error }, `The daemon takes no work: ${messageOf(error)}`))
}
