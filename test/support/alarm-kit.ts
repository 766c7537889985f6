import { acceptNews } from '../../src/domain/accept-news.ts'
import type { Alarm } from '../../src/domain/alarms/alarm.ts'
import { tick } from '../../src/domain/controller.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import type { World } from '../../src/domain/world.ts'
import { isoTime } from '../../src/lib/clock.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from './catalog-samples.ts'
import type { InMemory } from './given/in-memory.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** Lets time pass in steps of some seconds, as the timers of a controller do. */
export async function pass(
  { clock }: Pick<InMemory, 'clock'>,
  world: World,
  ms: number,
  stepMs = 5 * SECOND,
): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.move(Math.min(stepMs, ms - passed))
    await turn(world)
  }
}

export async function turn(world: World): Promise<void> {
  tick(world)
  await world.background.settled()
}

export function listOpenAlarms({ alarms }: World): Alarm[] {
  return alarms.book.list().filter(({ clearedAt }) => clearedAt === null)
}

/** Short: kind, target and count of each open alarm, in the order of their keys. */
export function nameOpenAlarms(world: World): string[] {
  return listOpenAlarms(world)
    .map(({ kind, target: { type, server, volume }, count }) => {
      const what = volume ? `${volume.app}${volume.name}` : (server ?? '')
      return [kind, type, what, count > 1 ? `x${count}` : ''].filter((text) => text !== '').join(' ')
    })
    .sort()
}

let runs = 5000

/** A run of the job that ends now; it made a backup unless it failed. */
export async function endRun(
  { clock, daemons }: Pick<InMemory, 'clock' | 'daemons'>,
  world: World,
  job: PlannedJob,
  changes: Partial<RunRecord> = {},
): Promise<void> {
  const { id: jobId, server, spec, action, volume } = job
  const [now, rid, state] = [isoTime(clock.now()), ridOf(++runs), changes.state ?? 'success']
  const isMade = ['success', 'partial'].includes(state)
  const backup = sampleBackup({
    ...{ name: `run-${runs}`, created: now, sequence: runs, server, mode: job.mode ?? 'full' },
    ...{ app: volume?.app ?? '', proc: volume?.proc ?? '', volume: volume?.name ?? '' },
    ...{ source: volume?.path ?? '', state: state as 'success' },
  })
  if (isMade) daemons.at(server).backups.push(backup)
  const record = sampleRecord({
    ...{ rid, server, jobId, spec, action, args: job.job.args, start: now, end: now },
    ...(isMade && { result: { backup } }),
    ...changes,
    state,
  })
  const news = { protocol: 2 as const, daemonId: 'x', server, records: [record], running: [] }
  await acceptNews(world, news, { from: server })
}
