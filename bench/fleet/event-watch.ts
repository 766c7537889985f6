import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { countApps, type FleetSize } from './inventory.ts'

const MAX_APPS = 10
const QUERY = 'subscription ($app: ID) { recordUpdated(app: $app) { kind record { rid state } } }'
const ORDER = ['QUEUED', 'RUNNING', 'SUCCESS']

interface Told {
  recordUpdated: { kind: 'SNAPSHOT' | 'CHANGE'; record: { rid: string; state: string } }
}

export interface EventWatch {
  /** Ends, and returns how many changes were told although the same or a later state had been told before. */
  stop(): Promise<number>
}

/** Watches the runs of some apps, as the IDE does: each state of a run may be told once, and in order. */
export function watchEvents(url: string, size: FleetSize): EventWatch {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  const told = new Map<string, number>()
  let wrong = 0
  const note = ({ recordUpdated: { kind, record } }: Told) => {
    const at = ORDER.indexOf(record.state)
    if (kind === 'CHANGE' && at <= (told.get(record.rid) ?? -1)) wrong += 1
    told.set(record.rid, at)
  }
  for (let app = 0; app < Math.min(MAX_APPS, countApps(size)); app++) {
    const sink = { next: ({ data }: { data?: Told | null }) => data && note(data), error() {}, complete() {} }
    client.subscribe<Told>({ query: QUERY, variables: { app: `app${app}` } }, sink)
  }
  return {
    async stop() {
      await client.dispose()
      return wrong
    },
  }
}
