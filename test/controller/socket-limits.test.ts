import { beforeEach, expect, test } from 'vitest'
import { findInitProblem, SOCKET_LIMITS, SocketLimits } from '../../src/controller/socket-limits.ts'

let limits: SocketLimits
beforeEach(() => {
  limits = new SocketLimits()
})

interface Socket {
  subscriptions: Record<string, unknown>
}

/** Begins an operation as the library does: it knows it once it was let in. */
function begin(socket: Socket, id: string, payload: { query: string; variables?: Record<string, unknown> }) {
  const problem = limits.begin(socket, id, payload)
  if (!problem) socket.subscriptions[id] = true
  return problem?.message
}

/** A payload whose JSON has so many characters. */
function sized(characters: number) {
  return { query: 'x'.repeat(characters - JSON.stringify({ query: '' }).length) }
}

function sockets(count: number): Socket[] {
  return Array.from({ length: count }, () => ({ subscriptions: {} }))
}

test('all sockets together have a limit, and ended or dropped operations are released', () => {
  const { held, heldByAll } = SOCKET_LIMITS
  const many = sockets(heldByAll / held)
  for (const socket of many) expect(begin(socket, 'a', sized(held))).toBeUndefined()
  const [first, second] = many
  const late: Socket = { subscriptions: {} }
  expect(begin(late, 'b', sized(20))).toMatch(/^All WebSockets together/)
  if (!first || !second) throw new Error('there are two')
  limits.end(first, 'a')
  limits.end(first, 'a')
  expect(begin(late, 'b', sized(held))).toBeUndefined()
  expect(begin({ subscriptions: {} }, 'c', sized(20))).toMatch(/^All WebSockets together/)
  limits.close(second)
  limits.close(second)
  expect(begin({ subscriptions: {} }, 'c', sized(held))).toBeUndefined()
  expect(begin({ subscriptions: {} }, 'd', sized(20))).toMatch(/^All WebSockets together/)
})

test('operations that the library dropped no longer count', () => {
  const socket: Socket = { subscriptions: {} }
  expect(begin(socket, 'a', sized(SOCKET_LIMITS.held))).toBeUndefined()
  expect(begin(socket, 'b', sized(20))).toMatch(/^The operations of this WebSocket are longer/)
  delete socket.subscriptions.a
  expect(begin(socket, 'b', sized(SOCKET_LIMITS.held))).toBeUndefined()
})

test('each limit admits its exact value, and nothing above', () => {
  const [one, two, three] = sockets(3) as [Socket, Socket, Socket]
  const { operations, variables, held } = SOCKET_LIMITS
  for (let n = 0; n < operations; n++) expect(begin(one, `${n}`, sized(20))).toBeUndefined()
  expect(begin(one, 'more', sized(20))).toMatch(/^This WebSocket has 100 operations/)
  const padded = (characters: number) => ({ a: 'x'.repeat(characters - JSON.stringify({ a: '' }).length) })
  expect(begin(two, 'a', { query: '', variables: padded(variables) })).toBeUndefined()
  expect(begin(two, 'b', { query: '', variables: padded(variables + 1) })).toMatch(/^The variables/)
  expect(begin(three, 'a', sized(held - 100))).toBeUndefined()
  expect(begin(three, 'b', sized(101))).toMatch(/^The operations of this WebSocket/)
  expect(begin(three, 'b', sized(100))).toBeUndefined()
  expect(findInitProblem(padded(SOCKET_LIMITS.initPayload))).toBeUndefined()
  expect(findInitProblem(padded(SOCKET_LIMITS.initPayload + 1))).toMatch(/connection_init/)
  expect(findInitProblem(undefined)).toBeUndefined()
})

test('values that are nested too deeply to be measured are refused', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)
  const [socket] = sockets(1) as [Socket]
  expect(begin(socket, 'a', { query: 'x', variables: { deep } })).toMatch(/^The variables are longer/)
  expect(begin(socket, 'b', sized(20))).toBeUndefined()
  expect(findInitProblem({ deep })).toMatch(/^The payload of connection_init is longer/)
})
