import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'
import { backupArgs } from '../support/plugin-world.ts'
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
  await recoverUntil({ child: 'copy-child.ts', dataDir, volume, point: 'writing' })
  fillNew(join(dir.path, 'expected'))
  writeFileSync(join(volume, 'written since'), '')
  const user = spawn('sleep', ['600'], { cwd: volume })
  onTestFinished(() => void user.kill())
  await once(user, 'spawn')
  return { dir, dataDir, volume, user, expected: join(dir.path, 'expected') }
}

test.skipIf(noFlags)(
  `a daemon finishes an interrupted copy in place once nobody uses the volume; other jobs run (${noFlags ?? 'needs chattr'})`,
  { timeout: 300_000 },
  async () => {
    const { dir, dataDir, volume, user, expected } = await makeInterrupted()
    const daemon = await startDaemonProcess(localFlags(dir.path))
    onTestFinished(async () => void (await kill(daemon, 'SIGKILL')))
    const ask = (method: string, path: string, form = {}) => askHttp(daemon.url, method, path, { form })
    const job = { spec: '0 6 * * *', type: 'cron', sleep: false }
    const jobs = [
      { ...job, id: 'other', action: 'test', args: {} },
      { ...job, id: 'db', action: 'backup', args: backupArgs(volume) },
    ]
    await ask('PUT', '/api/v1/cron/jobs', { data: JSON.stringify(jobs), version: 'v1' })
    const inUse = expect.stringMatching(/in use by process .*sleep/)
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
