import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { ask, type Program, startProgram, startStandalone, writeInventory } from '../support/standalone.ts'

const TEST = 'mutation ($sink: String!) { testNotification(sink: $sink) { id } }'
const LIST = '{ notifications { nodes { id state attempts } } }'

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'killed-'))
  await mkdir(join(folder, 'volume'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function keepUntilEnd(program: Program): Program {
  onTestFinished(async () => {
    program.process.kill('SIGKILL')
    await program.ended
  })
  return program
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Takes posts, and answers only while `answers`. */
async function startSlowReceiver() {
  const receiver = { answers: false, ids: [] as string[], port: 0, onPost: () => {} }
  const server = createServer(async (request: IncomingMessage, response) => {
    receiver.ids.push(JSON.parse(await text(request)).id)
    if (receiver.answers) response.end()
    receiver.onPost()
  })
  onTestFinished(() => server.closeAllConnections())
  receiver.port = await listen(server)
  return receiver
}

async function startWithSink(folder: string, settings: string) {
  const file = join(folder, 'settings.yaml')
  await writeFile(file, settings)
  const { program, url } = await startStandalone(folder, ['--settings', file])
  keepUntilEnd(program)
  await program.said(/GraphQL IDE/)
  return { program, url }
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a controller that ends by %s in the middle of a send sends it again, with the same id',
  async (signal) => {
    const folder = await makeFolder()
    const receiver = await startSlowReceiver()
    const settings = `notify: { sinks: [{ name: slow, webhook: { url: "http://127.0.0.1:${receiver.port}/" } }] }\n`
    const first = await startWithSink(folder, settings)
    const posted = Promise.withResolvers<void>()
    receiver.onPost = () => posted.resolve()
    const { testNotification } = await ask<{ testNotification: { id: string } }>(first.url, TEST, {
      sink: 'slow',
    })
    await posted.promise
    first.program.process.kill(signal)
    expect(await first.program.ended).toBe(signal === 'SIGTERM' ? 0 : null)

    receiver.answers = true
    const second = await startWithSink(folder, settings)
    await expect
      .poll(() => ask(second.url, LIST))
      .toEqual({ notifications: { nodes: [{ id: testNotification.id, state: 'SENT', attempts: 1 }] } })
    expect(receiver.ids).toEqual([testNotification.id, testNotification.id])
  },
)

test('a mail server that says nothing does not keep a controller from its end, and the mail waits', async () => {
  const folder = await makeFolder()
  const connected = Promise.withResolvers<void>()
  const port = await listen(createTcpServer((socket) => connected.resolve(void socket.on('error', () => {}))))
  const email = `{ to: ops@example.org, from: backupd@example.org, server: "smtp://127.0.0.1:${port}" }`
  const settings = `notify: { sinks: [{ name: mail, email: ${email} }] }\n`
  const first = await startWithSink(folder, settings)
  const { testNotification } = await ask<{ testNotification: { id: string } }>(first.url, TEST, {
    sink: 'mail',
  })
  await connected.promise
  first.program.process.kill('SIGTERM')
  expect(await first.program.ended).toBe(0)
  const second = await startWithSink(folder, settings)
  expect(await ask(second.url, LIST)).toEqual({
    notifications: { nodes: [{ id: testNotification.id, state: 'WAITING', attempts: 0 }] },
  })
})

interface Audit {
  audit: { nodes: { id: string; verb: string; outcome: string; begin: string | null }[] }
}

test('a controller that is killed in the middle of a mutation says so in its audit', async () => {
  const folder = await makeFolder()
  const [inventory, port] = [await writeInventory(folder), await freePort()]
  const asked = Promise.withResolvers<void>()
  // A daemon that takes what it is asked to do, and never answers.
  const dport = await listen(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => chunk.includes('POST /api') && asked.resolve())
    }),
  )
  const start = () =>
    keepUntilEnd(
      startProgram([
        ...['controller', '--addr', `127.0.0.1:${port}`, '--dport', String(dport)],
        ...['--inventory', inventory, '--data', join(folder, 'data')],
      ]),
    )
  const url = `http://127.0.0.1:${port}/graphql`
  const first = start()
  await first.said(/The controller listens/)
  const { jobs } = await ask<{ jobs: { id: string; action: string }[] }>(url, '{ jobs { id action } }')
  const id = jobs.find(({ action }) => action === 'backup')?.id
  const answer = ask(url, 'mutation ($id: ID!) { runJob(id: $id) { rid } }', { id }).catch(() => 'cut')
  await asked.promise
  first.process.kill('SIGKILL')
  expect([await first.ended, await answer]).toEqual([null, 'cut'])
  const second = start()
  await second.said(/The controller listens/)
  const { audit } = await ask<Audit>(
    url,
    '{ audit(filter: { verb: "runJob" }) { nodes { id verb outcome begin } } }',
  )
  const [end, begin, ...more] = audit.nodes
  expect([begin?.outcome, more]).toEqual(['begun', []])
  expect(end).toMatchObject({ begin: begin?.id, outcome: expect.stringMatching(/^unknown: /) })
})
