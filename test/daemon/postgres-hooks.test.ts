import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { makeHookFolder } from '../support/host-hooks.ts'
import { backupArgs } from '../support/plugin-args.ts'
import { makePostgres, noPostgres, type Postgres } from '../support/postgres.ts'

/** Each round is a backup under load, a recover, and a check of what the server has then. */
const ROUNDS = Number(process.env.BACKUPD_POSTGRES_ROUNDS ?? 3)
const POLL = { timeout: 60_000, interval: 50 }

/** Every transfer is between neighbours, in this order, so that clients never wait for each other in a circle. */
const TRANSFER = `\\set a random(1, 99)
BEGIN;
UPDATE account SET balance = balance - 1 WHERE id = :a;
UPDATE account SET balance = balance + 1 WHERE id = :a + 1;
INSERT INTO transfer (payer) VALUES (:a);
END;
`
const TABLES = `CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);
CREATE TABLE transfer (id bigserial PRIMARY KEY, payer int NOT NULL);
INSERT INTO account SELECT n, 0 FROM generate_series(1, 100) n`

/** How many accounts do not have what their transfers say. */
const WRONG = `SELECT count(*) FROM account WHERE balance <>
  (SELECT count(*) FROM transfer WHERE payer = account.id - 1) - (SELECT count(*) FROM transfer WHERE payer = account.id)`

/** Stops every process of the server: the first one first, so that it starts no more. Waits until they have stopped. */
const FREEZE = `first=$(head -n 1 "$1/postmaster.pid")
freeze() {
  kill -STOP "$1" 2>/dev/null || return 0
  until grep -q '^State:.[TtZX]' "/proc/$1/status" 2>/dev/null || [ ! -e "/proc/$1" ]; do sleep 0.02; done
}
freeze "$first"
for process in $(ps -o pid= --ppid "$first"); do freeze "$process"; done`
const THAW = `first=$(head -n 1 "$1/postmaster.pid")
kill -CONT $(ps -o pid= --ppid "$first") "$first" 2>/dev/null; true`

/** The folders of a daemon that other users may enter, with a running server in its volume. */
async function startServer() {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-postgres-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'volumes'))
  for (const open of [dir, join(dir, 'volumes')]) chmodSync(open, 0o755)
  const data = join(dir, 'volumes/db')
  const server = await makePostgres(data, join(dir, 'server'))
  onTestFinished(() => server.stop())
  await server.start()
  await server.query(TABLES)
  const script = join(dir, 'transfer.sql')
  writeFileSync(script, TRANSFER)
  return { dir, data, server, script }
}

function writeHooks({ startCommand, stopCommand }: Postgres, data: string) {
  const hooks = makeHookFolder()
  const quote = (words: string[]) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  hooks.write('freeze.sh', FREEZE)
  hooks.write('thaw.sh', THAW)
  hooks.write('stop.sh', `${quote(stopCommand)} || [ ! -e '${data}/postmaster.pid' ]`)
  // The recovered file names a process of the past, whose number another one may have by now.
  hooks.write('start.sh', `rm -f '${data}/postmaster.pid'; ${quote(startCommand)}`)
  return hooks
}

async function backUp(daemon: StartedDaemon, data: string): Promise<RunRecord> {
  const hooks = { preRun: `freeze.sh ${data}`, postRun: `thaw.sh ${data}` }
  const kind = { spec: '0 6 * * *', action: 'backup', type: 'cron', sleep: false }
  const job = {
    id: 'j1',
    ...kind,
    args: { ...backupArgs(data), ...hooks },
    options: { consistency: 'strict' },
  }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), version: 'v1' } })
  const isReady = async () => (await daemon.ask('GET', '/api/v1/debug')).body
  await expect.poll(isReady, POLL).toMatchObject({ crond_status: 'started' })
  const { body } = await daemon.ask('POST', '/api/v1/cron/once/j1')
  return await daemon.ended((body as { rid: string }).rid)
}

async function recover(daemon: StartedDaemon, data: string, backup: string): Promise<RunRecord> {
  const commands = { pre_recover: { command: 'stop.sh' }, post_recover: { command: 'start.sh' } }
  const hooks = JSON.stringify({ ...commands, volume: '/data/db', containers: [] })
  const form = { app: 'shop', proc: 'shop.web.web', destDir: data, inUse: 'refuse', hooks }
  const { body } = await daemon.ask('POST', `/api/v1/backup/full/recover/file/${backup}`, { form })
  return await daemon.ended((body as { rid: string }).rid)
}

test.skipIf(noPostgres)(
  `a PostgreSQL under write load is backed up with hooks, and starts cleanly after a recover (${noPostgres ?? 'needs postgresql'})`,
  { timeout: 60_000 + ROUNDS * 30_000 },
  async () => {
    const { dir, data, server, script } = await startServer()
    const hooks = writeHooks(server, data)
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } }, dir)
    const count = async () => Number(await server.query('SELECT count(*) FROM transfer'))
    for (let round = 0; round < ROUNDS; round++) {
      const load = server.load(script)
      const first = await count()
      await expect.poll(count, POLL).toBeGreaterThan(first + 200)
      const before = await count()
      const made = await backUp(daemon, data)
      expect(made).toMatchObject({ state: 'success', reason: '', result: { changedWhileRead: { count: 0 } } })
      // The load goes on, so the hooks have let the server go.
      const then = await count()
      await expect.poll(count, POLL).toBeGreaterThan(then + 200)
      await load.stop()
      const after = await count()

      const recovered = await recover(daemon, data, `${made.result?.file}`)
      expect(recovered).toMatchObject({ state: 'success', reason: '' })
      expect(await count()).toBeGreaterThanOrEqual(before)
      expect(await count()).toBeLessThan(after)
      expect(await server.query(WRONG)).toBe('0')
      // What was recovered is the state of a running server, which starts as after a power cut.
      expect(server.log().match(/automatic recovery in progress/g)).toHaveLength(round + 1)
      expect(server.log()).not.toMatch(/PANIC|invalid page|could not read|corrupt/)
    }
  },
)
