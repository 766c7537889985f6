import { join } from 'node:path'
import { Engine } from '../engine/engine.ts'
import type { RunSettings } from '../engine/plugin.ts'
import { plugins } from '../engine/plugins/index.ts'
import { ChildRunner } from '../engine/runner.ts'
import type { Clock } from '../lib/clock.ts'
import { type DataRoom, DISK_SOURCE } from '../lib/data-room.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { TrustedClock } from '../lib/trusted-clock.ts'
import { openProcessMetrics } from '../metrics/process-metrics.ts'
import { RunMeter } from '../metrics/run-meter.ts'
import type { RunRecord } from '../wire/record.ts'
import type { PresentIdentity } from './identity/present-identity.ts'
import { keepDaemonTime } from './keep-time.ts'
import { ControllerMemory } from './memory/controller-memory.ts'
import { createDaemonMemory, type MemoryListener } from './memory/daemon-memory.ts'
import { openDaemonDatabase } from './memory/database.ts'
import { Outbox } from './memory/outbox.ts'
import { StoreMemory } from './memory/store-memory.ts'
import { Notifier } from './notifier/notifier.ts'
import { printJobTimes } from './print-job-times.ts'
import { SchedulerSwitch } from './scheduler-switch.ts'
import { startUpkeep } from './upkeep.ts'

export interface EngineSetup {
  settings: RunSettings
  log: Log
  clock: Clock
  problems: Problems
  room: DataRoom
  concurrency: number
  warmRunners?: number
  identity?: PresentIdentity | undefined
  /** Hears of records once they are on disk. */
  onRecords(records: readonly RunRecord[]): void
}

export interface OpenedEngine {
  engine: Engine
  scheduler: SchedulerSwitch
  notifier: Notifier
  trustedClock: TrustedClock
  stores: StoreMemory
  controllers: ControllerMemory
  runMeter: RunMeter
}

/** Idle child processes kept ready: one makes the next run start fast, more would only hold memory. */
const WARM_RUNNERS = 1
/** How long runs may take to end on their own when the daemon stops. */
const RUN_END_TIMEOUT_MS = 5000
/** How long the last news may take to be sent when the daemon stops. */
const FLUSH_TIMEOUT_MS = 2000

/** Opens the engine, the daemon's memory and the notifier; `parts` closes them in order. */
export function openEngine(setup: EngineSetup, parts: AsyncDisposableStack): OpenedEngine {
  const { settings, log, clock, problems, room, concurrency, warmRunners = WARM_RUNNERS, identity } = setup
  const db = parts.adopt(
    openDaemonDatabase(join(settings.dataDir, 'daemon.db'), log),
    (it) => void it.close(),
  )
  const trustedClock = keepDaemonTime(db, setup, parts)
  const running = () => engine.running().map(({ rid }) => rid)
  const timesOf = (jobId: string) => {
    const scheduled = engine.job(jobId)
    return scheduled && printJobTimes(scheduled)
  }
  const sender = { daemonId: settings.daemonId, server: settings.ip, running, timesOf, clock }
  const outbox = new Outbox(db, trustedClock)
  const notifier = parts.adopt(new Notifier(outbox, sender, { log, problems, identity }), (it) => it.close())
  const stores = new StoreMemory(db, settings.ip)
  settings.knownStore = stores.known
  openProcessMetrics()
  const runMeter = new RunMeter('backupd_daemon')
  const memory = createDaemonMemory(db, trustedClock, {
    ...listenToRuns({ stores, runMeter, onRecords: setup.onRecords }, notifier),
    diskFull: () => room.reportFull(),
  })
  parts.defer(startUpkeep(() => memory.prune(), log))
  const runner = new ChildRunner({ size: warmRunners, clock, log })
  const admit = (action: string) => (action === 'backup' && room.isFull ? diskFull(problems) : undefined)
  const shared = { clock, agingClock: trustedClock, log, problems, settings, concurrency }
  const engine = new Engine({ ...shared, plugins, runner, memory, admit })
  const scheduler = new SchedulerSwitch(engine, db, log)
  parts.defer(async () => {
    await engine.close(RUN_END_TIMEOUT_MS)
    memory.flush()
    await notifier.flush(FLUSH_TIMEOUT_MS)
  })
  const controllers = new ControllerMemory(db)
  return { engine, scheduler, notifier, trustedClock, stores, controllers, runMeter }
}

/** Only backups are refused, because other actions free room or are needed by a user now. */
function diskFull(problems: Problems): BackupdError {
  const why = problems.list().find(({ source }) => source === DISK_SOURCE)?.text ?? ''
  return new BackupdError('DISK_FULL', `Cannot start a backup: ${why}`)
}

/** A listener that also notes in `stores` what the ended runs made there, and counts them. */
function listenToRuns(
  { stores, runMeter, onRecords }: Pick<OpenedEngine, 'stores' | 'runMeter'> & Pick<EngineSetup, 'onRecords'>,
  listener: MemoryListener,
): MemoryListener {
  return {
    kept(records) {
      stores.noteResults(records)
      for (const record of records) runMeter.note(record)
      listener.kept(records)
      onRecords(records)
    },
    progressed: (record) => listener.progressed(record),
  }
}
