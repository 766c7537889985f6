import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { countApps, type FleetSize, serversOfApp } from './inventory.ts'

const [MIN_APPS, SHARE] = [10, 0.1]
/** For what is on its way when the watch ends. */
const PATIENCE_MS = 5000
const QUERY = 'subscription ($app: ID) { recordUpdated(app: $app) { kind record { rid state } } }'
const ORDER = ['QUEUED', 'RUNNING', 'SUCCESS']

interface Told {
  recordUpdated: { kind: 'SNAPSHOT' | 'CHANGE'; record: { rid: string; state: string } }
}

export interface WatchedEvents {
  /** Changes that were told although the same or a later state had been told before. */
  wrong: number
  /** Runs of one midnight whose end was not told. */
  missing: number
}

export interface EventWatch {
  stop(): Promise<WatchedEvents>
}

/** Watches the runs of a tenth of the apps, as users do: each state of a run may be told once, and in order. */
export function watchEvents(url: string, size: FleetSize): EventWatch {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  const told = new Map<string, number>()
  const ended = new Set<string>()
  let wrong = 0
  const note = ({ recordUpdated: { kind, record } }: Told) => {
    const at = ORDER.indexOf(record.state)
    if (kind === 'CHANGE' && at <= (told.get(record.rid) ?? -1)) wrong += 1
    told.set(record.rid, at)
    if (record.state === 'SUCCESS') ended.add(record.rid)
  }
  const sink = { next: ({ data }: { data?: Told | null }) => data && note(data), error() {}, complete() {} }
  const apps = listWatchedApps(size)
  for (const app of apps) client.subscribe<Told>({ query: QUERY, variables: { app: `app${app}` } }, sink)
  const expected = apps.flatMap((app) => serversOfApp(size, app)).length * size.jobs
  return {
    async stop() {
      const deadline = performance.now() + PATIENCE_MS
      while (ended.size < expected && performance.now() < deadline) await sleep(50)
      await client.dispose()
      return { wrong, missing: expected - ended.size }
    },
  }
}

/** Spread over the fleet. */
function listWatchedApps(size: FleetSize): number[] {
  const all = countApps(size)
  const count = Math.min(all, Math.max(MIN_APPS, Math.ceil(all * SHARE)))
  return Array.from({ length: count }, (_, n) => Math.floor((n * all) / count))
}
