import { expect, test } from 'vitest'
import { ControllerError, readResult } from '../../src/client/execute.ts'
import { executeOverHttp } from '../../src/client/execute-over-http.ts'
import { JobsDocument, RunJobDocument, ServersDocument } from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

async function start() {
  const inventory = toldInventory(
    given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory(),
  )
  return startTestController({ folder: await testFolder(), inventory })
}

test('typed documents give the same answer in process and over HTTP', async () => {
  const { execute, url } = await start()
  const overHttp = executeOverHttp(url)
  const { jobs } = await execute(JobsDocument, { filter: { action: 'backup' } })
  expect(jobs).toMatchObject([{ proc: 'hello.web.web', mode: 'FULL', app: { name: 'hello' } }])
  expect(await overHttp(JobsDocument, { filter: { action: 'backup' } })).toEqual({ jobs })
  expect((await overHttp(ServersDocument, {})).servers).toMatchObject([{ ip: '127.0.0.1', reachable: false }])
})

test('a refusal is one error with its code, both ways', async () => {
  const { execute, url } = await start()
  for (const ask of [execute, executeOverHttp(url)]) {
    await expect(ask(RunJobDocument, { id: 'nope' })).rejects.toMatchObject({
      name: 'ControllerError',
      code: 'NOT_FOUND',
      message: 'There is no job "nope"; see the list of jobs',
      facts: { id: 'nope' },
    })
  }
})

test('the error for an unreachable controller names its address', async () => {
  await expect(executeOverHttp('http://127.0.0.1:1')(ServersDocument, {})).rejects.toMatchObject({
    code: 'CONTROLLER_UNREACHABLE',
    message: expect.stringContaining('The controller at http://127.0.0.1:1 does not answer'),
  })
})

test('an answer with an error throws, even if it has data', () => {
  const refused = (extensions: Record<string, unknown>) => {
    try {
      return readResult({ data: { jobs: [] }, errors: [{ message: 'no', extensions }] })
    } catch (error) {
      return error
    }
  }
  const known = { code: 'NOT_FOUND', facts: { id: 'x' }, action: 'Check the name' }
  expect(refused(known)).toBeInstanceOf(ControllerError)
  expect(refused(known)).toMatchObject({ message: 'no', ...known })
  expect(refused({})).toMatchObject({ code: 'INTERNAL', facts: {}, action: null })
  expect(refused({ code: 7, facts: 'x', action: {} })).toMatchObject({
    code: 'INTERNAL',
    facts: {},
    action: null,
  })
  expect(readResult({ data: { jobs: [] }, errors: [] })).toEqual({ jobs: [] })
})
