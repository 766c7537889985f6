import { NEVER } from '../../lib/clock.ts'
import { goTime } from '../../lib/go-time.ts'
import { type DaemonDebug, PROTOCOL } from '../../wire/daemon-api.ts'
import type { Answer, Call, World } from '../http/route.ts'
import { memStats } from '../mem-stats.ts'
import { checkReady } from './run-request.ts'

/** What a controller can count on, besides the recorded routes. */
const CAPABILITIES = [
  'news',
  'progress',
  'records',
  'cancel',
  'rid',
  'in-use',
  'files',
  'pages',
  'pick-files',
  'namespaces',
  'snapshots',
  'whole',
  'plan',
]

export function startScheduler(_call: Call, world: World): Answer {
  checkReady(world)
  world.engine.start()
  return { status: 201, body: '' }
}

export function stopScheduler(_call: Call, { engine }: World): Answer {
  engine.stop()
  return { status: 201, body: '' }
}

/** `goroutines` and `mem_stats` are what the recorded system shows of its runtime; ours are the nearest to them. */
export function showDebug(_call: Call, world: World): Answer {
  const running = world.engine.running().map(({ rid }) => rid)
  const body: DaemonDebug & Record<string, unknown> = {
    crond_status: world.engine.status,
    goroutines: process.getActiveResourcesInfo().length,
    mem_stats: memStats(),
    running_tasks: running.length,
    startTime: goTime(world.startTime),
    updateTime: goTime(updateTime(world)),
    protocol: PROTOCOL,
    capabilities: CAPABILITIES,
    daemonId: world.daemonId,
    ip: world.ip,
    version: world.version,
    running,
    problems: [
      ...world.engine.locked().map(({ path, reason }) => `The volume ${path} is locked: ${reason}`),
      ...world.engine.troubles(),
      ...world.space.problems,
    ],
    store: world.space.get(),
  }
  return { status: 200, body }
}

/** A controller whose notify address was dropped is thereby asked to introduce itself again. */
function updateTime({ engine, notifier }: World): string {
  return notifier.deserted ? NEVER : engine.updateTime
}

export function showHealth(_call: Call, world: World): Answer {
  const reason = world.notReady()
  return reason === undefined
    ? { status: 200, body: { status: 'ok' } }
    : { status: 503, body: { status: 'starting', reason } }
}
