import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type RunRecord } from '../../src/wire/record.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'
import { backupArgs } from '../support/plugin-args.ts'
import { noPodman, startPodman } from '../support/podman.ts'

const POLL = { timeout: 60_000, interval: 300 }
const NOTE = 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_ATTEMPT $BACKUPD_HOOK_STATE" >> /tmp/calls'

test.skipIf(noPodman)(
  `a hook in a container that outlives its daemon is awaited, and its exit code read (${noPodman ?? 'needs podman'})`,
  { timeout: 240_000 },
  async () => {
    await using podman = await startPodman()
    using dir = temporaryDir()
    const volume = join(dir.path, 'volumes/db')
    for (const name of ['store', 'volumes/db']) mkdirSync(join(dir.path, name), { recursive: true })
    writeFileSync(join(volume, 'file'), 'content')
    const wait = 'until [ -e /tmp/go ]; do sleep 1; done; exit 5'
    podman.start('c1', { 'quiesce.sh': NOTE, 'resume.sh': `${NOTE}; ${wait}` })
    const start = async () => {
      const daemon = await startDaemonProcess([...localFlags(dir.path), '--container-socket', podman.socket])
      onTestFinished(async () => void (await kill(daemon, 'SIGKILL')))
      const ask = (method: string, path: string, form = {}) => askHttp(daemon.url, method, path, { form })
      const isStarted = async () => (await ask('GET', '/api/v1/debug')).body
      await expect.poll(isStarted, POLL).toMatchObject({ crond_status: 'started' })
      return { daemon, ask }
    }
    const first = await start()
    const args = { ...backupArgs(volume), containers: ['c1'], preRun: 'quiesce.sh', postRun: 'resume.sh' }
    const job = { id: 'j1', spec: '0 6 * * *', action: 'backup', args, type: 'cron', sleep: false }
    await first.ask('PUT', '/api/v1/cron/jobs', { data: JSON.stringify([job]), version: 'v1' })
    const { rid } = (await first.ask('POST', '/api/v1/cron/once/j1')).body as { rid: string }
    const journal = join(dir.path, 'data/hooks', `${rid}.json`)
    const begun = () => (existsSync(journal) ? readFileSync(journal, 'utf8') : '')
    await expect.poll(begun, POLL).toMatch(/"post_run","container":"c1"[^}]*"handle":\{"exec"/)
    // The exec is started at once after it was noted.
    await expect
      .poll(() => podman.read('c1', '/tmp/calls'), { ...POLL, interval: 2000 })
      .toContain('post_run')
    await kill(first.daemon, 'SIGKILL')

    const { ask } = await start()
    const record = async () => (await ask('GET', `/api/v1/cron/records/${rid}`)).body as RunRecord
    expect((await record()).state).toBe('running')
    podman.run('exec', 'c1', '/bin/touch', '/tmp/go')
    await expect.poll(async () => isTerminal((await record()).state), POLL).toBe(true)
    expect(await record()).toMatchObject({
      error: { code: 'DAEMON_RESTARTED' },
      warnings: [
        expect.stringContaining('post_run (resume.sh) in the container "c1" failed with exit code 5'),
      ],
    })
    expect(podman.read('c1', '/tmp/calls')).toBe('pre_run 1 running\npost_run 1 running\n')
  },
)
