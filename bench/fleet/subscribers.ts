// A process with many clients that watch all records; the bench calls its functions.

import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { answerCalls } from './calls.ts'

export interface Subscribers {
  /** Opens that many clients at a controller (`http://…`), each with a socket of its own. */
  open(url: string, count: number): Promise<void>
  /** Waits until that many ends of runs arrived over all clients, for a while; returns their delays, ms. */
  takeDelays(expected: number): Promise<number[]>
}

const QUERY = 'subscription { recordUpdated { seq kind record { rid jobId server { ip } state start end } } }'
const PATIENCE_MS = 30_000

const delays: number[] = []

answerCalls({
  async open(url, count) {
    for (let n = 0; n < count; n++) await openClient(url)
  },
  async takeDelays(expected) {
    const deadline = performance.now() + PATIENCE_MS
    while (delays.length < expected && performance.now() < deadline) await sleep(50)
    return delays.splice(0)
  },
} satisfies Subscribers)

/** Speaks graphql-ws by hand, because parsing each message in full would slow down what is measured. */
async function openClient(url: string): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const ready = Promise.withResolvers<void>()
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })))
  socket.on('error', ready.reject)
  socket.on('message', (data) => {
    const text = String(data)
    if (text.includes('connection_ack')) {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: QUERY } }))
      ready.resolve()
    } else if (text.includes('"ping"')) socket.send(JSON.stringify({ type: 'pong' }))
    else noteEnd(text)
  })
  await ready.promise
}

function noteEnd(text: string): void {
  const end = /"state":"SUCCESS".*?"end":"([^"]+)"/.exec(text)?.[1]
  if (end !== undefined && text.includes('"kind":"CHANGE"')) delays.push(Date.now() - Date.parse(end))
}
