import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newRid } from '../../src/wire/ids.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import {
  BackupsDocument,
  JobsDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const [VICTIM, ATTACKER] = ['127.0.0.2', '127.0.0.3'] as const
const PATH = '/api/v2/system/notify'

/** Posts from an address of this machine, as a daemon on that server does. */
async function postFrom(
  localAddress: string,
  url: string,
  body: object,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port), localAddress })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  const content = JSON.stringify(body)
  const head = [`POST ${PATH} HTTP/1.1`, `Host: ${hostname}`, 'Content-Type: application/json']
  socket.write(
    [...head, `Content-Length: ${Buffer.byteLength(content)}`, 'Connection: close', '', content].join('\r\n'),
  )
  let text = ''
  for await (const chunk of socket) text += chunk
  return { status: Number(text.split(' ')[1]), text }
}

function newsOf(server: string, records: RunRecord[], running: string[] = []) {
  return { protocol: 2, daemonId: 'x', server, records, running }
}

/** A controller that knows two servers; the daemon of the first is real where it is asked for. */
async function start({ real = false } = {}) {
  const folder = await testFolder()
  const volume = join(folder, 'volumes/hello/hello.web.web/1/data/db')
  const other = join(folder, 'volumes/other/other.web.web/1/data/db')
  for (const [path, file] of [
    [volume, 'mine'],
    [other, 'precious'],
  ] as const) {
    await mkdir(path, { recursive: true })
    await writeFile(join(path, file), file)
  }
  const daemon = real ? await startTestDaemon(folder, VICTIM) : undefined
  const controller = await startTestController({
    folder,
    inventory: toldInventory(
      given.app('hello').proc('web').on(VICTIM, ATTACKER).volume('/data/db').inventory(),
    ),
    daemonUrls: daemon ? { [VICTIM]: daemon.url } : {},
    newsFrom: () => [],
  })
  const record = async (rid: string) => (await controller.execute(RecordDocument, { rid })).record
  const problems = async (ip: string) =>
    (await controller.execute(ServersDocument, {})).servers.find((server) => server.ip === ip)?.problems ?? []
  return { ...controller, daemon, folder, volume, other, record, problems }
}

const running = sampleRecord({ server: VICTIM, jobId: '7f000002aaaa' })
const end = '2026-11-23T08:45:00Z'

test('news in the name of another server is refused and named in the problems of that server', async () => {
  const { url, record, problems } = await start()
  const { status, text } = await postFrom(ATTACKER, url, newsOf(VICTIM, [running]))
  expect(status).toBe(403)
  expect(text).toContain(`--news-from ${VICTIM}=${ATTACKER}`)
  expect(await record(running.rid)).toBeNull()
  expect(await problems(VICTIM)).toContainEqual(expect.stringContaining(`it came from ${ATTACKER}`))
})

test('news of a server outside the inventory is refused', async () => {
  const { url } = await start()
  const stranger = { ...running, server: '127.0.0.9', jobId: '' }
  expect((await postFrom('127.0.0.9', url, newsOf('127.0.0.9', [stranger]))).status).toBe(403)
})

const foreign = sampleBackup({ server: VICTIM })
test.for<[string, Partial<RunRecord>, string]>([
  ['a record of another server', { server: VICTIM }, `it belongs to ${VICTIM}`],
  ['a job of another server', { jobId: '7f000002aaaa' }, `its job belongs to ${VICTIM}`],
  [
    'a backup of another server',
    { state: 'success', end, result: { backup: foreign } },
    `its backup belongs to ${VICTIM}`,
  ],
  [
    'a series of another server',
    { state: 'success', end, result: { changed: [foreign] } },
    `its backup belongs to ${VICTIM}`,
  ],
  ['a run that is lost', { state: 'lost', end }, 'only a controller calls a run lost'],
])('%s is set aside, and the rest of the batch counts', async ([, forged, reason]) => {
  const { url, record, problems, execute } = await start()
  const own = sampleRecord({ rid: ridOf(2), server: ATTACKER, jobId: '' })
  const bad = { ...own, rid: ridOf(3), ...forged }
  expect((await postFrom(ATTACKER, url, newsOf(ATTACKER, [bad, own]))).status).toBe(200)
  expect(await record(ridOf(3))).toBeNull()
  expect(await record(ridOf(2))).toMatchObject({ state: 'RUNNING' })
  expect(await problems(ATTACKER)).toContainEqual(expect.stringContaining(reason))
  expect((await execute(BackupsDocument, {})).backups.totalCount).toBe(0)
})

test('a daemon cannot end, take over or keep alive a run of another daemon', async () => {
  const { url, record, problems } = await start()
  await postFrom(VICTIM, url, newsOf(VICTIM, [running]))
  const stolen = { ...running, server: ATTACKER, jobId: '', seq: 99, state: 'success' as const, end }
  expect((await postFrom(ATTACKER, url, newsOf(ATTACKER, [stolen], [running.rid]))).status).toBe(200)
  expect(await record(running.rid)).toMatchObject({ state: 'RUNNING', server: { ip: VICTIM } })
  expect(await problems(ATTACKER)).toContainEqual(expect.stringContaining(`this run belongs to ${VICTIM}`))
})

test('a cancelled run stays cancelled, whatever later news says', async () => {
  const { url, record } = await start()
  const cancelled = { ...running, seq: 2, state: 'cancelled' as const, end }
  await postFrom(VICTIM, url, newsOf(VICTIM, [cancelled]))
  await postFrom(VICTIM, url, newsOf(VICTIM, [{ ...running, seq: 9, state: 'success', end }]))
  await postFrom(
    ATTACKER,
    url,
    newsOf(ATTACKER, [{ ...running, server: ATTACKER, jobId: '', seq: 9, state: 'success', end }]),
  )
  expect(await record(running.rid)).toMatchObject({ state: 'CANCELLED' })
})

test('a legacy record counts only for the server that it came from', async () => {
  const { url, record } = await start()
  const legacy = {
    id: `7f000002${'a'.repeat(32)}`,
    spec: '',
    action: 'backup',
    args: null,
    type: 'once',
    sleep: false,
    rid: ridOf(5),
    result: null,
    state: 'running',
    start: end,
    end: '0001-01-01T00:00:00Z',
    reason: '',
  }
  expect((await postFrom(ATTACKER, url, legacy)).status).toBe(403)
  expect(await record(ridOf(5))).toBeNull()
  expect((await postFrom(VICTIM, url, legacy)).status).toBe(200)
  expect(await record(ridOf(5))).toMatchObject({ state: 'RUNNING', server: { ip: VICTIM } })
})

test('a record cannot make the controller send requests to an address outside the inventory', async () => {
  const asked: string[] = []
  const trap = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('{}')
  }).listen(0, '127.0.0.77')
  await once(trap, 'listening')
  onTestFinished(() => void trap.close())
  const { url, record } = await start()
  const server = `127.0.0.77:${(trap.address() as AddressInfo).port}/#`
  const rid = newRid(Date.now())
  const bad = { ...running, rid, server, jobId: '' }
  expect((await postFrom(ATTACKER, url, newsOf(ATTACKER, [bad]))).status).toBe(200)
  expect((await postFrom(ATTACKER, url, newsOf(server, [bad]))).status).toBe(400)
  expect(await record(rid)).toBeNull()
  expect(asked).toEqual([])
})

test('a backup whose source was forged is recovered to the path of the inventory', async () => {
  const { url, execute, volume, other, record } = await start({ real: true })
  const jobs = async () =>
    (await execute(JobsDocument, { filter: { server: VICTIM, action: 'backup' } })).jobs.filter(
      (job) => job.nextRun,
    )
  await expect.poll(jobs, { timeout: 30_000 }).toHaveLength(1)
  const { runJob } = await execute(RunJobDocument, { id: (await jobs())[0]?.id ?? '' })
  const ended = async (rid: string) => (await record(rid))?.state
  await expect.poll(() => ended(runJob.rid), { timeout: 30_000 }).toBe('SUCCESS')
  const name = (await execute(BackupsDocument, {})).backups.nodes[0]?.name ?? ''
  const lie = sampleBackup({ server: VICTIM, name, source: other, volume: '/data/other', created: end })
  const told = {
    ...running,
    rid: newRid(Date.now()),
    state: 'success' as const,
    end: '2099-01-01T00:00:00Z',
    result: { backup: lie },
  }
  expect((await postFrom(VICTIM, url, newsOf(VICTIM, [told]))).status).toBe(200)
  const { recover } = await execute(RecoverDocument, {
    input: { app: 'hello', proc: 'web', backup: name, inUse: 'PROCEED' },
  })
  await expect.poll(() => ended(recover.rid), { timeout: 30_000 }).toMatch(/SUCCESS|PARTIAL/)
  expect(await readdir(volume)).toEqual(['mine'])
  expect(await readdir(other)).toEqual(['precious'])
})
