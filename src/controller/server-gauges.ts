import { readStoreSample } from '../domain/health/store-history.ts'
import { readServerHealth } from '../domain/read-whole-health.ts'
import type { ServerState } from '../domain/server-state.ts'
import type { World } from '../domain/world.ts'
import { printLabels } from '../metrics/label-text.ts'
import type { MetricFamily, MetricSample } from '../metrics/metric-family.ts'

/** What is known of each server from what its daemon last answered; none of them is asked. */
export function listServerGauges(world: World): MetricFamily[] {
  const servers = [...world.servers.values()]
  return [
    {
      name: 'backupd_server_health',
      help: 'Always 1: a state that holds for a server. One without faults has the state OK.',
      samples: () => readHealths(world, servers),
    },
    {
      name: 'backupd_server_last_answer_timestamp_seconds',
      help: 'When the daemon of a server last answered; 0 if it never did.',
      samples: () => readEach(servers, readLastAnswer),
    },
    {
      name: 'backupd_server_running_runs',
      help: 'Runs that the daemon of a server last reported as queued or running.',
      samples: () => readEach(servers, ({ debug }) => debug?.running_tasks),
    },
    {
      name: 'backupd_server_clock_offset_seconds',
      help: 'The clock of a server minus that of the controller; 0 if they differ by less than five minutes.',
      samples: () => readEach(servers, ({ ip }) => world.health.servers.readClockOffset(ip) / 1000),
    },
    {
      name: 'backupd_store_free_bytes',
      help: 'Bytes that may still be written to the store of a server: of its file system, or of a quota if that is less.',
      samples: () => readEach(servers, (server) => readStore(world, server)?.freeBytes),
    },
    {
      name: 'backupd_store_used_bytes',
      help: 'Bytes that are used in the store of a server, or of its quota.',
      samples: () => readEach(servers, (server) => readStore(world, server)?.usedBytes),
    },
    {
      name: 'backupd_store_deleted_bytes',
      help: 'Bytes of deleted full backups of a server that can still be restored.',
      samples: () => readEach(servers, ({ debug }) => debug?.store?.deletedRoom?.bytes),
    },
  ]
}

function* readEach(
  servers: readonly ServerState[],
  read: (server: ServerState) => number | undefined,
): Generator<MetricSample> {
  for (const server of servers) {
    const value = read(server)
    if (value !== undefined) yield [printLabels({ server: server.ip }), value]
  }
}

function* readHealths(world: World, servers: readonly ServerState[]): Generator<MetricSample> {
  for (const server of servers)
    for (const state of readServerHealth(world, server).states)
      yield [printLabels({ server: server.ip, state }), 1]
}

function readLastAnswer({ lastSeen }: ServerState): number {
  return lastSeen === null ? 0 : Math.floor(Date.parse(lastSeen) / 1000)
}

function readStore({ health }: World, { debug }: ServerState) {
  return debug ? readStoreSample(debug, health.clock.now()) : undefined
}
