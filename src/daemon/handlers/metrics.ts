import { Readable } from 'node:stream'
import {
  METRICS_TYPE,
  type MetricFamily,
  makeBuildInfo,
  makeCounts,
  makeGauge,
} from '../../metrics/metric-family.ts'
import { printPage } from '../../metrics/metrics-page.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'

/** What Prometheus reads. It waits for no store: the room is what the store last said. */
export function handleMetrics(_call: DaemonCall, world: DaemonParts): DaemonAnswer {
  const { runMeter, log, version } = world
  const families = [
    makeBuildInfo('daemon', version),
    ...listStateGauges(world),
    ...listWorkGauges(world),
    ...listStoreGauges(world),
    ...listNewsGauges(world),
  ]
  const content = Readable.from(printPage({ sources: [runMeter.registry], families, log }))
  return { status: 200, stream: { type: METRICS_TYPE, content } }
}

function listStateGauges(world: DaemonParts): MetricFamily[] {
  const { engine, problems, trustedClock } = world
  const isReady = world.notReady() === undefined
  return [
    makeGauge('backupd_daemon_ready', '1 once the daemon accepts work.', Number(isReady)),
    makeGauge('backupd_daemon_problems', 'Problems that an operator has to fix.', problems.list().length),
    makeGauge('backupd_daemon_locked_volumes', 'Volumes that no run may touch.', engine.locked().length),
    makeGauge(
      'backupd_daemon_clock_in_doubt',
      '1 while the clock of the machine is in doubt.',
      Number(trustedClock.doubt !== null),
    ),
  ]
}

function listWorkGauges({ engine }: DaemonParts): MetricFamily[] {
  const { awake, asleep } = engine.countJobs()
  const runs = engine.running()
  const running = runs.filter(({ state }) => state === 'running').length
  const isStarted = engine.status === 'started'
  return [
    makeGauge('backupd_daemon_scheduler_running', '1 while jobs start on their own.', Number(isStarted)),
    makeCounts({ name: 'backupd_daemon_jobs', help: 'Jobs, by whether they sleep.' }, 'state', [
      ['awake', awake],
      ['asleep', asleep],
    ]),
    makeCounts({ name: 'backupd_daemon_runs', help: 'Runs that have not ended.' }, 'state', [
      ['queued', runs.length - running],
      ['running', running],
    ]),
  ]
}

function listStoreGauges({ space }: DaemonParts): MetricFamily[] {
  const { freeBytes, totalBytes, trashBytes, deletedRoom, error } = space.get()
  return [
    makeGauge(
      'backupd_daemon_store_up',
      '0 if the store did not answer when it was last asked.',
      Number(error === null),
    ),
    makeGauge('backupd_daemon_store_free_bytes', 'Free bytes in the store.', freeBytes),
    makeGauge('backupd_daemon_store_size_bytes', 'Size of the store.', totalBytes),
    makeGauge(
      'backupd_daemon_store_trash_bytes',
      'Bytes of deleted files that are not free yet.',
      trashBytes,
    ),
    makeGauge(
      'backupd_daemon_store_deleted_bytes',
      'Bytes of deleted full backups that can still be restored.',
      deletedRoom?.bytes ?? null,
    ),
  ]
}

function listNewsGauges({ notifier }: DaemonParts): MetricFamily[] {
  const name = 'backupd_daemon_news_waiting_seconds'
  const help = 'How long the oldest news has waited for a notify address; 0 if it has all.'
  const waits = new Map<string, number>()
  // Two addresses may differ by a password only, which the label does not have.
  for (const [address, ms] of notifier.waits())
    waits.set(address, Math.max(ms / 1000, waits.get(address) ?? 0))
  return [makeCounts({ name, help }, 'address', waits)]
}
