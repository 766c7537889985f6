import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Callers } from '../../src/controller/callers.ts'
import { serveSocket } from '../../src/controller/graphql-socket.ts'
import { readListSizes } from '../../src/domain/list-sizes.ts'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { ridOf, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { silentLog } from '../support/silent-log.ts'

const STATE = 'subscription { recordUpdated { seq record { rid state } } }'

interface Message {
  id?: string
  type: string
  payload?: {
    data?: { recordUpdated: Told | null }
    errors?: { message: string; extensions: { code: string } }[]
  }
}

interface Told {
  seq: number
  record: { rid: string; state: string; args?: unknown }
}

/** The real sockets, schema and catalog; counts how often the answer for an event is computed. */
async function start(onExecute: (seq: number) => void | Promise<void> = () => {}) {
  const { world } = await given.inMemory()
  const schema = createSchema()
  const field = schema.getSubscriptionType()?.getFields().recordUpdated
  if (!field?.resolve) throw new Error('recordUpdated has no resolver')
  const counts = { executions: 0 }
  const { resolve } = field
  field.resolve = (event, ...more) => {
    counts.executions += 1
    const held = onExecute(event.seq)
    return held ? held.then(() => resolve(event, ...more)) : resolve(event, ...more)
  }
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const makeContext = () => ({ world, loaders: createLoaders(world) })
  const callers = new Callers(world, { anonymous: 'admin', insecureHttp: false })
  const sockets = serveSocket([server], {
    schema,
    log: silentLog,
    guard() {},
    makeContext,
    callers,
    sizes: () => readListSizes(world),
  })
  onTestFinished(async () => {
    await sockets.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { world, counts, connect: () => connect(`ws://127.0.0.1:${port}/graphql`) }
}

/** A client of plain messages. */
async function connect(url: string) {
  const socket = new WebSocket(url, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  const messages: Message[] = []
  let onMessage = () => {}
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)))
    onMessage()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  const send = (message: object) => socket.send(JSON.stringify(message))
  const until = async (done: (messages: Message[]) => boolean) => {
    while (!done(messages))
      await new Promise<void>((resolve) => {
        onMessage = resolve
      })
  }
  await once(socket, 'open')
  send({ type: 'connection_init' })
  await until(() => messages.length === 1)
  return {
    ...{ socket, messages, closed, send, until },
    subscribe: (query: string, variables?: object, id = 's') =>
      send({ id, type: 'subscribe', payload: { query, variables } }),
    /** Of one subscription. */
    told: (id = 's') =>
      messages
        .filter((one) => one.type === 'next' && one.id === id)
        .map(({ payload }) => payload?.data?.recordUpdated),
  }
}

type Client = Awaited<ReturnType<typeof connect>>

async function connectMany(count: number, one: () => Promise<Client>): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, one))
}

function listStates(client: Client, id = 's') {
  return client.told(id).map((told) => told?.record.state)
}

const running = sampleRecord()
const done = sampleRecord({ seq: 99, state: 'success', end: '2026-11-23T08:45:00Z' })

test('an event is computed once for 500 subscribers of one document', async () => {
  const { world, counts, connect } = await start()
  await world.ledger.apply([running])
  const clients = await connectMany(500, connect)
  for (const client of clients) client.subscribe(STATE)
  for (const client of clients) await client.until(() => client.told().length === 1)
  counts.executions = 0
  await world.ledger.apply([done])
  for (const client of clients) await client.until(() => client.told().length === 2)
  for (const client of clients) expect(listStates(client)).toEqual(['RUNNING', 'SUCCESS'])
  expect(new Set(clients.map((client) => client.told()[1]?.seq)).size).toBe(1)
  expect(counts.executions).toBe(1)
})

test('the present records are computed once for clients that come at the same time', async () => {
  const { world, counts, connect } = await start()
  const rids = Array.from({ length: 250 }, (_, at) => ridOf(at + 1))
  await world.ledger.apply(rids.map((rid) => sampleRecord({ rid })))
  const clients = await connectMany(10, connect)
  for (const client of clients) client.subscribe(STATE)
  for (const client of clients) await client.until(() => client.told().length === 250)
  for (const client of clients) expect(client.told().map((told) => told?.record.rid)).toEqual(rids)
  expect(counts.executions).toBe(250)
})

test('what clients missed is computed once for those that come back at the same time', async () => {
  const { world, counts, connect } = await start()
  const rids = Array.from({ length: 50 }, (_, at) => ridOf(at + 1))
  await world.ledger.apply(rids.map((rid) => sampleRecord({ rid })))
  const first = (await world.ports.records.get(ridOf(1)))?.eventSeq ?? 0
  const clients = await connectMany(10, connect)
  const query = 'subscription ($since: Int) { recordUpdated(since: $since) { seq record { rid state } } }'
  clients.forEach((client, at) => void client.subscribe(query, { since: at % 2 === 0 ? 0 : first }))
  for (const [at, client] of clients.entries()) {
    const missed = at % 2 === 0 ? rids : rids.slice(1)
    await client.until(() => client.told().length === missed.length)
    expect(client.told().map((told) => told?.record.rid)).toEqual(missed)
  }
  expect(counts.executions).toBe(50)
})

test('the same document in another layout, and for other runs, is computed once', async () => {
  const { world, counts, connect } = await start()
  await world.ledger.apply([running])
  const client = await connect()
  const documents = [
    'subscription { recordUpdated(since: 0) { seq record { rid state } } }',
    'subscription {\n  recordUpdated(app: "hello", since: 0) {\n    seq\n    record { rid, state }\n  }\n}',
    `subscription { recordUpdated(rid: "${running.rid}", since: 0) { seq record { rid state } } }`,
  ]
  documents.forEach((query, at) => void client.subscribe(query, {}, `${at}`))
  const all = (count: number) => documents.every((_, at) => client.told(`${at}`).length === count)
  await client.until(() => all(1))
  counts.executions = 0
  await world.ledger.apply([done])
  await client.until(() => all(2))
  expect(counts.executions).toBe(1)
})

test('variables that choose the events do not count, and those that change the answer do', async () => {
  const query = `subscription ($rid: ID, $withState: Boolean = true) {
    recordUpdated(rid: $rid) { seq record { rid state @include(if: $withState) } } }`
  const { world, counts, connect } = await start()
  await world.ledger.apply([running])
  const client = await connect()
  const variables = [
    { rid: running.rid },
    {},
    { withState: false },
    { rid: running.rid, withState: false },
    { withState: true },
  ]
  variables.forEach((given, at) => void client.subscribe(query, given, `${at}`))
  await client.until(() => variables.every((_, at) => client.told(`${at}`).length === 1))
  counts.executions = 0
  await world.ledger.apply([done])
  await client.until(() => variables.every((_, at) => client.told(`${at}`).length === 2))
  const states = variables.map((_, at) => client.told(`${at}`)[1]?.record.state)
  expect(states).toEqual(['SUCCESS', 'SUCCESS', undefined, undefined, 'SUCCESS'])
  // Given as the default has it is a third answer: what counts is what was given.
  expect(counts.executions).toBe(3)
})

test('each operation of a document has its own answer', async () => {
  const query = `subscription One { recordUpdated { record { rid } } } subscription Two { recordUpdated { record { state } } }`
  const { world, connect } = await start()
  const client = await connect()
  for (const operationName of ['One', 'Two'])
    client.send({ id: operationName, type: 'subscribe', payload: { query, operationName } })
  client.send({ id: 'q', type: 'subscribe', payload: { query: '{ __typename }' } })
  await client.until((messages) => messages.some(({ id, type }) => id === 'q' && type === 'complete'))
  await world.ledger.apply([running])
  await client.until(() => client.told('One').length + client.told('Two').length === 2)
  expect([client.told('One'), client.told('Two')]).toEqual([
    [{ record: { rid: running.rid } }],
    [{ record: { state: 'RUNNING' } }],
  ])
})

test('an error of the execution reaches each subscriber, and the next event works', async () => {
  let fails = false
  const { world, counts, connect } = await start(() => {
    if (fails) throw new Error('a fault')
  })
  const clients = await connectMany(5, connect)
  await world.ledger.apply([running])
  for (const client of clients) client.subscribe(STATE)
  for (const client of clients) await client.until(() => client.told().length === 1)
  fails = true
  counts.executions = 0
  await world.ledger.apply([{ ...running, seq: 5, progress: sampleProgress(5) }])
  for (const client of clients) await client.until(() => client.told().length === 2)
  fails = false
  await world.ledger.apply([done])
  for (const client of clients) await client.until(() => client.told().length === 3)
  expect(counts.executions).toBe(2)
  for (const { messages } of clients) {
    const nexts = messages.filter(({ type }) => type === 'next')
    expect(nexts.map(({ payload }) => payload?.errors?.map(({ extensions }) => extensions.code))).toEqual([
      undefined,
      ['INTERNAL'],
      undefined,
    ])
  }
  const ids = clients.map(
    ({ messages }) => /under (\S+)/.exec(messages[2]?.payload?.errors?.[0]?.message ?? '')?.[1],
  )
  expect(new Set(ids).size).toBe(1)
})

test('a completed subscription sends nothing more, and its id can be used again', async () => {
  const { world, connect } = await start()
  await world.ledger.apply([running])
  const client = await connect()
  client.subscribe(STATE)
  await client.until(() => client.told().length === 1)
  client.send({ id: 's', type: 'complete' })
  client.subscribe('subscription { recordUpdated { record { rid } } }')
  await client.until(() => client.told().length === 2)
  await world.ledger.apply([done])
  await client.until(() => client.told().length === 3)
  expect(client.told().slice(1)).toEqual([{ record: { rid: running.rid } }, { record: { rid: running.rid } }])
  client.socket.close()
  await expect.poll(() => world.ledger.events.listeners).toBe(0)
})

test('a subscription that is completed while its answer is computed does not get it', async () => {
  const held = Promise.withResolvers<void>()
  const { world, counts, connect } = await start(() => held.promise)
  const client = await connect()
  client.subscribe(STATE)
  await expect.poll(() => world.ledger.events.listeners).toBe(1)
  await world.ledger.apply([running])
  await expect.poll(() => counts.executions).toBe(1)
  client.send({ id: 's', type: 'complete' })
  const isAnswered = (id: string) => client.messages.some((one) => one.id === id && one.type === 'complete')
  client.subscribe('{ __typename }', {}, 'after the completion')
  await client.until(() => isAnswered('after the completion'))
  held.resolve()
  client.subscribe('{ __typename }', {}, 'after the answer')
  await client.until(() => isAnswered('after the answer'))
  expect(client.told()).toEqual([])
})

test('completing and reusing one id does not get around the limit of a socket', async () => {
  const { world, connect } = await start()
  const client = await connect()
  for (let n = 0; n < 150; n++) {
    for (const type of ['subscribe', 'complete', 'subscribe'])
      client.send({ id: 's', type, payload: { query: STATE } })
    client.subscribe('{ __typename }', {}, `${n}`)
    await client.until((messages) => messages.some(({ id, type }) => id === `${n}` && type === 'complete'))
    client.send({ id: 's', type: 'complete' })
    if (client.socket.readyState !== WebSocket.OPEN) break
  }
  expect(world.ledger.events.listeners).toBeLessThanOrEqual(100)
  client.socket.close()
  await expect.poll(() => world.ledger.events.listeners).toBe(0)
})

test('a client that does not read is closed with the reason, and others get everything', async () => {
  const { world, connect } = await start()
  const [stalled, reading] = [await connect(), await connect()]
  const query = 'subscription { recordUpdated { seq record { rid state args } } }'
  stalled.subscribe(query)
  reading.subscribe(query)
  await expect.poll(() => world.ledger.events.listeners).toBe(2)
  stalled.socket.pause()
  // More than the buffers of the kernel and the queue of the client hold.
  const [count, step] = [20_000, 1000]
  const args = { app: 'hello', long: 'x'.repeat(4000) }
  for (let seq = 1; seq <= count; seq++) {
    const record = sampleRecord({ rid: ridOf(seq), args })
    world.ledger.events.publish({ seq, kind: 'CHANGE', record }, 'state')
    if (seq % step === 0) await reading.until(() => reading.told().length === seq)
  }
  expect(world.ledger.events.listeners).toBe(1)
  stalled.socket.resume()
  expect(await stalled.closed).toEqual({
    code: 1013,
    reason: expect.stringContaining('subscribe with since'),
  })
  const seqs = stalled.told().map((told) => told?.seq)
  expect(seqs).toEqual(
    reading
      .told()
      .slice(0, seqs.length)
      .map((told) => told?.seq),
  )
  expect(new Set(reading.told().map((told) => told?.record.rid)).size).toBe(count)
})
