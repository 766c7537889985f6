import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { hasRestic, restic } from '../support/restic.ts'
import { ask, type Program, startProgram } from '../support/standalone.ts'

const MIB = 1 << 20

/** The built program with an increment of one volume in its inventory; killed after the test at the latest. */
async function makeWorld() {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'backupd-kill-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const volume = join(folder, 'volume')
  mkdirSync(volume)
  const inventory = join(folder, 'inventory.yaml')
  writeFileSync(
    inventory,
    `apps: { shop: { web: { on: [127.0.0.1], volumes: { /data/db: { path: ${volume}, backup_increment: { schedule: "0 5 1 1 *", expire: 7d } } } } } }\n`,
  )
  const start = async () => {
    const [port, daemonPort] = [await freePort(), await freePort()]
    const addresses = ['--addr', `127.0.0.1:${port}`, '--daemon-addr', `127.0.0.1:${daemonPort}`]
    const program = startProgram([
      'standalone',
      '--inventory',
      inventory,
      '--data',
      join(folder, 'data'),
      ...addresses,
    ])
    onTestFinished(() => end(program))
    await program.said(/\/graphql/)
    return { program, url: `http://127.0.0.1:${port}/graphql` }
  }
  const store = join(folder, 'data/store')
  return { folder, volume, store, repository: join(store, '127.0.0.1/repo'), start }
}

async function end({ process, ended }: Program): Promise<void> {
  process.kill('SIGKILL')
  await ended
}

async function startRun(url: string): Promise<string> {
  const job = async () =>
    (
      await ask<{ jobs: { id: string; nextRun: string | null }[] }>(
        url,
        '{ jobs(filter: { action: "backup" }) { id nextRun } }',
      )
    ).jobs[0]
  await expect.poll(async () => (await job())?.nextRun, { timeout: 30_000 }).toBeTruthy()
  const run = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
  return (await ask<{ runJob: { rid: string } }>(url, run, { id: (await job())?.id })).runJob.rid
}

async function stateOf(url: string, rid: string): Promise<string | undefined> {
  const query = 'query ($rid: ID!) { record(rid: $rid) { state } }'
  return (await ask<{ record: { state: string } | null }>(url, query, { rid })).record?.state
}

const packsIn = (repository: string) =>
  readdirSync(repository, { recursive: true, encoding: 'utf8' }).filter((name) => /data\/../.test(name))
    .length

test('a daemon killed during an increment leaves nothing that disturbs the next run', async () => {
  const { volume, store, repository, start } = await makeWorld()
  writeFileSync(join(volume, 'first'), 'first')
  const first = await start()
  const before = await startRun(first.url)
  await expect.poll(() => stateOf(first.url, before), { timeout: 30_000 }).toBe('SUCCESS')
  const packs = packsIn(repository)
  for (let n = 0; n < 96; n++) writeFileSync(join(volume, `large-${n}`), randomBytes(MIB))
  const killed = await startRun(first.url)
  await expect.poll(() => packsIn(repository), { timeout: 30_000, interval: 5 }).toBeGreaterThan(packs)
  await end(first.program)
  expect(readdirSync(join(repository, 'snapshots'))).toHaveLength(1)

  const second = await start()
  await expect.poll(() => stateOf(second.url, killed), { timeout: 30_000 }).toBe('FAILED')
  const rid = await startRun(second.url)
  await expect.poll(() => stateOf(second.url, rid), { timeout: 60_000 }).toBe('SUCCESS')
  const query = '{ backups { nodes { good snapshotCount fileCount } } }'
  expect(await ask(second.url, query)).toEqual({
    backups: { nodes: [{ good: true, snapshotCount: 2, fileCount: 97 }] },
  })
  expect(readdirSync(join(repository, 'locks'))).toEqual([])
  if (hasRestic) restic(repository, join(store, '.repository-password'))('check')
}, 120_000)
