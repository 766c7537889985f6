import { expect, test } from 'vitest'
import { formatError } from '../../src/controller/format-error.ts'
import { ERROR_CODES } from '../../src/lib/error-codes.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { given } from '../support/given.ts'
import { keepingLog } from '../support/keeping-log.ts'
import {
  askGraphQL,
  socketClient,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

async function start() {
  return startTestController({
    folder: await testFolder(),
    inventory: toldInventory(given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory()),
  })
}

const RUN = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'

test.for([
  ['an unknown job', RUN, { id: 'nope' }, 'NOT_FOUND', 'There is no job "nope"; see the list of jobs'],
  [
    'an unknown record',
    'mutation { cancelRecord(rid: "7") { rid } }',
    {},
    'NOT_FOUND',
    'There is no record "7" to cancel',
  ],
  [
    'a copy out of bounds',
    'mutation { copyCatalog(dir: "/etc") { path } }',
    {},
    'FORBIDDEN',
    expect.stringContaining('/etc'),
  ],
  [
    'a bad cursor',
    '{ records(after: "xyz") { totalCount } }',
    {},
    'BAD_INPUT',
    '"xyz" is not a cursor of this list: use one from its edges or its pageInfo',
  ],
  ['an unknown field', '{ nope }', {}, 'BAD_INPUT', expect.stringContaining('Cannot query field "nope"')],
  ['no query at all', '{', {}, 'BAD_INPUT', expect.stringContaining('Syntax Error')],
  ['a variable that is missing', RUN, {}, 'BAD_INPUT', expect.stringContaining('$id')],
  [
    'a time that is none',
    'query ($from: DateTime) { records(filter: { from: $from }) { totalCount } }',
    { from: 'yesterday' },
    'BAD_INPUT',
    expect.stringContaining('yesterday'),
  ],
  [
    'an unknown server',
    'mutation { stopScheduler(ip: "10.9.9.9") { ip } }',
    {},
    'NOT_FOUND',
    'There is no server "10.9.9.9" in the inventory',
  ],
] as const)(
  '%s: code, sentence and what to do, over HTTP and WebSocket alike',
  async ([, query, variables, code, message]) => {
    const { url } = await start()
    const expected = { message, extensions: { code, action: ERROR_CODES[code] } }
    expect((await askGraphQL(url, query, variables)).errors).toMatchObject([expected])
    const overSocket = socketClient(url)
      .iterate({ query, variables: { ...variables } })
      .next()
      .then(({ value }) => value.errors)
      .catch((errors) => errors)
    expect(await overSocket).toMatchObject([expected])
  },
)

test('the job of a daemon that is down says so, and the run is lost', async () => {
  const { url } = await start()
  const { data } = await askGraphQL<{ jobs: { id: string }[] }>(
    url,
    '{ jobs(filter: { action: "backup" }) { id } }',
  )
  const { errors } = await askGraphQL(url, RUN, { id: data?.jobs[0]?.id })
  expect(errors).toMatchObject([
    { path: ['runJob'], extensions: { code: 'DAEMON_UNREACHABLE', facts: { server: '127.0.0.1' } } },
  ])
  const { data: known } = await askGraphQL(url, '{ records { nodes { state error { code action } } } }')
  expect(known).toEqual({
    records: {
      nodes: [
        { state: 'LOST', error: { code: 'DAEMON_UNREACHABLE', action: ERROR_CODES.DAEMON_UNREACHABLE } },
      ],
    },
  })
})

test('an internal error shows only an id, under which the log has the details', () => {
  const log = keepingLog()
  const shown = formatError(
    { message: 'secret', path: ['jobs'], originalError: new TypeError('secret') },
    log,
  )
  expect(JSON.stringify(shown)).not.toContain('secret')
  expect(shown).toMatchObject({
    path: ['jobs'],
    extensions: { code: 'INTERNAL', facts: { id: expect.any(String) } },
  })
  expect(log.lines).toEqual(['A request failed with an internal error'])
})

test('an error of ours keeps its code on every way', () => {
  const error = new BackupdError('STORE_FULL', 'full', { facts: { freeBytes: 0 } })
  expect(formatError({ message: 'x', path: ['runJob'], originalError: error }, keepingLog())).toEqual({
    message: 'full',
    path: ['runJob'],
    extensions: { code: 'STORE_FULL', facts: { freeBytes: 0 }, action: ERROR_CODES.STORE_FULL },
  })
})

test('a refusal that a library wraps keeps its code', () => {
  const wrapped = Object.assign(new Error('too much'), { extensions: { code: 'TOO_COSTLY' } })
  const error = { message: 'too much', extensions: { code: 'BAD_USER_INPUT' }, originalError: wrapped }
  expect(formatError(error, keepingLog()).extensions).toMatchObject({ code: 'TOO_COSTLY' })
  expect(formatError({ message: 'x', extensions: { code: 'ODD' } }, keepingLog()).extensions).toMatchObject({
    code: 'BAD_INPUT',
  })
})
