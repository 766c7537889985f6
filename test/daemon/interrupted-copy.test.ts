import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'
import { backupArgs } from '../support/plugin-args.ts'
import { recoverUntil } from '../support/recover-until.ts'
import { noFlags, run } from '../support/refused-renames.ts'
import { fillNew, fillOld } from '../support/swap-content.ts'
import { compareTrees } from '../support/tree-compare.ts'

/** A daemon's folders, with a copy in place that was killed; a process uses its volume. */
async function makeInterrupted() {
  const dir = temporaryDir()
  const [dataDir, volume] = [join(dir.path, 'data'), join(dir.path, 'volumes/db')]
  for (const name of ['store', 'data', 'volumes/db', 'expected'])
    mkdirSync(join(dir.path, name), { recursive: true })
  onTestFinished(() => {
    run('chattr', '-R', '-i', dir.path)
    dir[Symbol.dispose]()
  })
  fillOld(volume)
  run('chattr', '+i', join(volume, 'old only'))
  await recoverUntil({ child: 'copy', dataDir, volume, point: 'writing' })
  fillNew(join(dir.path, 'expected'))
  writeFileSync(join(volume, 'written since'), '')
  const user = spawn('sleep', ['600'], { cwd: volume })
  onTestFinished(() => void user.kill())
  await once(user, 'spawn')
  return { dir, dataDir, volume, user, expected: join(dir.path, 'expected') }
}

async function startDaemon(folder: string) {
  const daemon = await startDaemonProcess(localFlags(folder))
  onTestFinished(async () => void (await kill(daemon, 'SIGKILL')))
  return (method: string, path: string, form = {}) => askHttp(daemon.url, method, path, { form })
}

const JOB = { spec: '0 6 * * *', type: 'cron', sleep: false }

test.skipIf(noFlags)(
  `a recover with inUse proceed passes the lock of an interrupted copy despite users (${noFlags ?? 'needs chattr'})`,
  { timeout: 300_000 },
  async () => {
    const { dir, volume, user } = await makeInterrupted()
    const source = join(dir.path, 'volumes/source')
    mkdirSync(source)
    writeFileSync(join(source, 'wanted'), 'content')
    const ask = await startDaemon(dir.path)
    const job = { ...JOB, id: 'source', action: 'backup', args: backupArgs(source) }
    await ask('PUT', '/api/v1/cron/jobs', { data: JSON.stringify([job]), version: 'v1' })
    const recordOf = async (rid: string) =>
      (await ask('GET', `/api/v1/cron/records/${rid}`)).body as RunRecord
    const ended = async ({ body }: { body: unknown }) => {
      const { rid } = body as { rid: string }
      await expect
        .poll(async () => (await recordOf(rid)).state, { timeout: 60_000 })
        .not.toMatch(/queued|running/)
      return await recordOf(rid)
    }
    const { result } = await ended(await ask('POST', '/api/v1/cron/once/source'))
    const recover = (inUse: string) =>
      ask('POST', `/api/v1/backup/full/recover/file/${result?.file}`, { destDir: volume, inUse })
    const isLocked = expect.stringMatching(/copy in place was interrupted .* in use by process/)
    await expect.poll(async () => (await recover('refuse')).body, { timeout: 60_000 }).toEqual(isLocked)
    expect(await ended(await recover('proceed'))).toMatchObject({ state: 'success', error: null })
    expect(user.exitCode).toBeNull()
    expect(readdirSync(volume)).toEqual(['wanted'])
    const refused = async () => (await recover('refuse')).body
    await expect.poll(refused, { timeout: 120_000, interval: 500 }).not.toEqual(isLocked)
  },
)

test.skipIf(noFlags)(
  `a daemon finishes an interrupted copy in place when nobody uses the volume; other jobs run (${noFlags ?? 'needs chattr'})`,
  { timeout: 300_000 },
  async () => {
    const { dir, dataDir, volume, user, expected } = await makeInterrupted()
    const ask = await startDaemon(dir.path)
    const jobs = [
      { ...JOB, id: 'other', action: 'test', args: {} },
      { ...JOB, id: 'db', action: 'backup', args: backupArgs(volume) },
    ]
    await ask('PUT', '/api/v1/cron/jobs', { data: JSON.stringify(jobs), version: 'v1' })
    const inUse = expect.stringMatching(/copy in place was interrupted .* in use by process .*sleep/)
    const backUp = () => ask('POST', '/api/v1/cron/once/db')
    await expect.poll(async () => (await backUp()).body, { timeout: 120_000 }).toEqual(inUse)
    expect((await ask('POST', '/api/v1/cron/once/other')).status).toBe(202)
    expect(existsSync(join(volume, 'written since'))).toBe(true)

    user.kill()
    await expect.poll(async () => (await backUp()).status, { timeout: 120_000, interval: 500 }).toBe(202)
    expect(readdirSync(volume)).not.toContain('written since')
    expect(compareTrees(expected, volume, { ignoreRoot: true, ignore: ['mtimeNs'] })).toEqual([])
    expect(readdirSync(join(dataDir, 'recovers')).filter((name) => name.endsWith('.json'))).toEqual([])
  },
)
