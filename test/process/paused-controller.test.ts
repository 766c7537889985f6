import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { ask, type Program, startProgram, watch } from '../support/standalone.ts'

const SERVERS = ['127.0.0.1', '127.0.0.2'] as const
/** Longer than daemons wait for an answer and keep a connection, and than a run may be silent. */
const PAUSE_MS = 80_000
const RUN_EVERY_MS = 2000

interface Run {
  rid: string
  state: string
  start: string
  server: { ip: string }
  result: { file: string | null } | null
}

/** A controller and two daemons, each a process; each daemon backs up its volume every two seconds. */
async function startAll() {
  const folder = await mkdtemp(join(tmpdir(), 'paused-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [port, dport] = [await freePort(), await freePort()]
  const root = join(folder, 'volumes')
  const storeOf = (ip: string) => join(folder, ip, 'store')
  for (const [n, ip] of SERVERS.entries()) {
    const volume = join(root, `shop/shop.web.web/${n + 1}/data/db`)
    await mkdir(volume, { recursive: true })
    await mkdir(storeOf(ip), { recursive: true })
    await writeFile(join(volume, 'a.txt'), 'content')
    const place = ['--data', join(folder, ip, 'data'), '--volume-root', root]
    const store = ['--backup-driver', 'local', '--backup-local-dir', storeOf(ip)]
    const daemon = start(['daemon', '--ip', ip, '--addr', `${ip}:${dport}`, ...place, ...store])
    await daemon.said(/The daemon listens/)
  }
  const file = join(folder, 'inventory.yaml')
  const schedule = `{ schedule: "@every ${RUN_EVERY_MS / 1000}s", expire: 1h }`
  await writeFile(
    file,
    `apps: { shop: { web: { on: [${SERVERS.join(', ')}], volumes: { /data/db: { backup_full: ${schedule} } } } } }\n`,
  )
  const controller = start([
    ...['controller', '--addr', `127.0.0.1:${port}`, '--dport', String(dport), '--inventory', file],
    ...['--data', join(folder, 'controller'), '--volume-root', root],
  ])
  await controller.said(/The controller listens/)
  return { controller, url: `http://127.0.0.1:${port}/graphql`, storeOf }
}

function start(args: string[]): Program {
  const program = startProgram(args)
  onTestFinished(async () => {
    program.process.kill('SIGCONT')
    program.process.kill('SIGKILL')
    await program.ended
  })
  return program
}

async function listRuns(url: string): Promise<Run[]> {
  const filter = '{ action: "backup" }'
  const query = `{ records(first: 500, filter: ${filter}) { nodes { rid state start server { ip } result { file } } } }`
  return (await ask<{ records: { nodes: Run[] } }>(url, query)).records.nodes
}

async function listServers(url: string) {
  const query = '{ servers { ip reachable problems } }'
  return (await ask<{ servers: { ip: string; reachable: boolean; problems: string[] }[] }>(url, query))
    .servers
}

/** All changes of state that the controller stored, in the order of their numbers. */
async function readEvents(url: string, runs: number): Promise<{ seq: number; rid: string; state: string }[]> {
  const events: { seq: number; rid: string; state: string }[] = []
  const query = 'subscription { recordUpdated(since: 0) { seq record { rid state action } } }'
  let ended = 0
  for await (const { recordUpdated } of watch<{ recordUpdated: { seq: number; record: Run } }>(url, query)) {
    const { seq, record } = recordUpdated
    events.push({ seq, rid: record.rid, state: record.state })
    if (record.state === 'SUCCESS') ended += 1
    if (ended === runs) break
  }
  return events
}

test('a controller that is stopped for a minute calls nobody silent, and takes all news once when it goes on', async () => {
  const { controller, url, storeOf } = await startAll()
  const succeeded = async () => (await listRuns(url)).filter(({ state }) => state === 'SUCCESS')
  const serversOf = (runs: Run[]) => new Set(runs.map(({ server }) => server.ip))
  await expect.poll(async () => serversOf(await succeeded()).size, { timeout: 60_000 }).toBe(SERVERS.length)

  controller.process.kill('SIGSTOP')
  const stoppedAt = new Date().toISOString()
  await sleep(PAUSE_MS)
  controller.process.kill('SIGCONT')
  const wentOnAt = new Date().toISOString()

  const seen: boolean[] = []
  const isCaughtUp = async () => {
    seen.push(...(await listServers(url)).map(({ reachable }) => reachable))
    return serversOf((await succeeded()).filter(({ start }) => start > wentOnAt)).size
  }
  await expect.poll(isCaughtUp, { timeout: 60_000, interval: 100 }).toBe(SERVERS.length)
  for (const ip of SERVERS) await ask(url, 'mutation ($ip: ID!) { stopScheduler(ip: $ip) { ip } }', { ip })
  const unfinished = async () => (await listRuns(url)).filter(({ state }) => /QUEUED|RUNNING/.test(state))
  await expect.poll(unfinished, { timeout: 30_000 }).toEqual([])

  const runs = await listRuns(url)
  expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['SUCCESS']))
  const meanwhile = runs.filter(({ start }) => start > stoppedAt && start < wentOnAt)
  expect(meanwhile.length).toBeGreaterThan((PAUSE_MS / RUN_EVERY_MS) * 0.5)
  for (const ip of SERVERS) {
    const stored = (await readdir(join(storeOf(ip), ip))).filter((name) => name.endsWith('.tar.gz'))
    const told = runs.filter(({ server }) => server.ip === ip).map(({ result }) => result?.file)
    expect(told.toSorted()).toEqual(stored.toSorted())
  }
  const events = await readEvents(url, runs.length)
  const changes = events.map(({ rid, state }) => `${rid} ${state}`)
  expect(new Set(changes).size).toBe(changes.length)
  expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => a - b))

  expect(seen).not.toContain(false)
  const bad = controller.lines.filter((line) =>
    /"level":"?(error|50)|INTERNAL|A request to a daemon failed/.test(line),
  )
  expect(bad).toEqual([])
}, 300_000)
