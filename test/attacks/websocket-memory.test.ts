import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { SOCKET_LIMITS } from '../../src/controller/socket-limits.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

const WATCH = 'subscription { recordUpdated { seq } }'

interface Message {
  type: string
  id?: string
  payload?: { message: string; extensions: { code: string } }[]
}

/** A bare socket: a library would not send what these tests send. */
async function connect(url: string, init: object = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  const messages: Message[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data: RawData) => {
    messages.push(JSON.parse(String(data)))
    for (const look of waiting) look()
  })
  const said = (fits: (message: Message) => boolean) =>
    new Promise<Message>((resolve) => {
      const look = () => {
        const found = messages.find(fits)
        if (found) resolve(found)
      }
      waiting.add(look)
      look()
    })
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }))
  await once(socket, 'open')
  const send = (message: object) => socket.send(JSON.stringify(message))
  send({ type: 'connection_init', payload: init })
  const subscribe = (id: string, payload: object) => send({ id, type: 'subscribe', payload })
  return {
    said,
    closed,
    send,
    subscribe,
    errorOf: (id: string) => said((m) => m.type === 'error' && m.id === id),
  }
}

async function started(): Promise<string> {
  return (await startTestController({ folder: await testFolder() })).url
}

/** As JSON it has `length` characters. */
const padded = (length: number) => ({ p: 'x'.repeat(length - '{"p":""}'.length) })

test('the payload of connection_init is limited, and the close frame says so', async () => {
  const url = await started()
  const within = await connect(url, padded(SOCKET_LIMITS.initPayload))
  await within.said(({ type }) => type === 'connection_ack')
  const beyond = await connect(url, padded(SOCKET_LIMITS.initPayload + 1))
  expect(await beyond.closed).toEqual({
    code: 4400,
    reason: 'The payload of connection_init is longer than 4096 characters: send a token at most',
  })
})

test('one socket has a limited number of operations, and a completed one makes room', async () => {
  const socket = await connect(await started())
  await socket.said(({ type }) => type === 'connection_ack')
  const { operations } = SOCKET_LIMITS
  for (let at = 0; at <= operations; at++) socket.subscribe(`s${at}`, { query: WATCH })
  expect(await socket.errorOf(`s${operations}`)).toMatchObject({
    payload: [
      {
        message: expect.stringMatching(/^This WebSocket has 100 operations already/),
        extensions: { code: 'TOO_COSTLY' },
      },
    ],
  })
  socket.send({ id: 's0', type: 'complete' })
  socket.subscribe('again', { query: '{ __typename }' })
  await socket.said(({ type, id }) => type === 'next' && id === 'again')
})

test('the variables of one operation and all operations of one socket are limited', async () => {
  const socket = await connect(await started())
  await socket.said(({ type }) => type === 'connection_ack')
  const { variables, held } = SOCKET_LIMITS
  const fitting = Math.floor(held / (variables + 100))
  for (let at = 0; at < fitting; at++)
    socket.subscribe(`v${at}`, { query: WATCH, variables: padded(variables) })
  socket.subscribe('large', { query: WATCH, variables: padded(variables + 1) })
  expect(await socket.errorOf('large')).toMatchObject({
    payload: [
      {
        message: expect.stringMatching(/^The variables are longer than 16384/),
        extensions: { code: 'TOO_COSTLY' },
      },
    ],
  })
  socket.subscribe('more', { query: WATCH, variables: padded(variables) })
  expect(await socket.errorOf('more')).toMatchObject({
    payload: [{ message: expect.stringMatching(/^The operations of this WebSocket are longer than 65536/) }],
  })
})

test('an ended operation leaves nothing in memory', async () => {
  const socket = await connect(await started())
  await socket.said(({ type }) => type === 'connection_ack')
  for (let at = 0; at < 3 * SOCKET_LIMITS.operations; at++) {
    socket.subscribe(`q${at}`, { query: '{ __typename }' })
    await socket.said(({ type, id }) => type === 'complete' && id === `q${at}`)
  }
})
