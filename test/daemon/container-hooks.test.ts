import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { backUpWithHooks, requestBackupWithHooks } from '../support/hooked-backup.ts'
import { noPodman, type Podman, startPodman } from '../support/podman.ts'

const LONG = { timeout: 120_000 }
const NOTE = 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_STATE $#$1" >> /tmp/calls'
const HOOKS = { preRun: 'quiesce.sh "a b"', postRun: 'resume.sh' }

describe.skipIf(noPodman)(`hooks in containers of a real podman (${noPodman ?? 'needs podman'})`, () => {
  let podman: Podman
  let daemon: StartedDaemon
  beforeAll(async () => {
    podman = await startPodman()
    daemon = await startTestDaemon({ hooks: { containerSocket: podman.socket } })
  }, 120_000)
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]()
    await podman?.[Symbol.asyncDispose]()
  }, 60_000)

  const journals = () => {
    const dir = join(daemon.dir, 'data/hooks')
    return existsSync(dir) ? readdirSync(dir) : []
  }
  const expectNothingOwed = () => expect(journals()).toEqual([])

  it('each container of the instance runs them; a stopped one is skipped with a warning', LONG, async () => {
    const scripts = { 'quiesce.sh': `${NOTE}; echo out; echo err >&2`, 'resume.sh': NOTE }
    for (const name of ['a1', 'a2', 'a3']) podman.start(name, scripts)
    podman.run('stop', '--time', '0', 'a3')
    const record = await backUpWithHooks(daemon, { ...HOOKS, containers: ['a1', 'a3', 'a2'] })
    const warnings = ['no hooks are run in the container "a3": it is stopped']
    expect(record).toMatchObject({ state: 'success', warnings })
    expect(record.result?.hooks).toMatchObject([
      { hook: 'pre_run', container: 'a1', exitCode: 0, stdout: 'out\n', stderr: 'err\n', failure: '' },
      { hook: 'pre_run', container: 'a2', exitCode: 0 },
      { hook: 'post_run', container: 'a1', exitCode: 0 },
      { hook: 'post_run', container: 'a2', exitCode: 0 },
    ])
    for (const name of ['a1', 'a2'])
      expect(podman.read(name, '/tmp/calls')).toBe('pre_run running 1a b\npost_run running 0\n')
    expectNothingOwed()
  })

  it('a paused or a missing container is named before any pre_run is run', LONG, async () => {
    for (const name of ['b1', 'b2']) podman.start(name, { 'quiesce.sh': NOTE, 'resume.sh': NOTE })
    podman.run('pause', 'b2')
    const paused = await backUpWithHooks(daemon, { ...HOOKS, containers: ['b1', 'b2'] })
    podman.run('unpause', 'b2')
    expect(paused).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED' } })
    expect(paused.reason).toContain('container "b2": it is paused')
    const missing = await backUpWithHooks(daemon, { ...HOOKS, containers: ['b1', 'gone'] })
    expect(missing).toMatchObject({ state: 'failed', error: { code: 'NOT_FOUND' } })
    expect(missing.reason).toContain('container "gone": it does not exist')
    const odd = await backUpWithHooks(daemon, { ...HOOKS, containers: ['../b1'] })
    expect(odd).toMatchObject({ state: 'failed', error: { code: 'BAD_INPUT' } })
    expect(podman.read('b1', '/tmp/calls')).toBe('')
    expectNothingOwed()
  })

  it(
    'a failed pre_run stops the backup; post_run runs where pre_run was begun, and only there',
    LONG,
    async () => {
      const others = { 'resume.sh': NOTE, 'tell.sh': NOTE }
      podman.start('c1', { 'quiesce.sh': 'echo no >&2; exit 9', ...others })
      podman.start('c2', { 'quiesce.sh': NOTE, ...others })
      const args = { ...HOOKS, containers: ['c1', 'c2'] }
      const options = { hooks: { on_failure: { command: 'tell.sh' } } }
      const { state, reason } = await backUpWithHooks(daemon, args, options)
      expect(state).toBe('failed')
      expect(reason).toContain(
        'pre_run (quiesce.sh) in the container "c1" failed with exit code 9. It wrote: no',
      )
      expect(podman.read('c1', '/tmp/calls')).toBe('post_run failed 0\non_failure failed 0\n')
      expect(podman.read('c2', '/tmp/calls')).toBe('')
      const none = await backUpWithHooks(daemon, { preRun: 'none.sh', containers: ['c2'] })
      expect(none.reason).toContain('failed with exit code 127')
      expectNothingOwed()
    },
  )

  it('a hung hook is ended with all its children', LONG, async () => {
    const hang = 'setsid sleep 4721 & sleep 4722 & echo hung; sleep 4723'
    podman.start('d1', { 'quiesce.sh': hang, 'resume.sh': NOTE })
    const args = { ...HOOKS, containers: ['d1'] }
    const { reason } = await backUpWithHooks(daemon, args, { hooks: { pre_run: { limitSeconds: 2 } } })
    expect(reason).toMatch(/took longer than 2 s, its time limit, and was ended. It wrote: hung/)
    expect(
      podman
        .run('exec', 'd1', '/bin/ps')
        .split('\n')
        .filter((line) => line.includes('sleep 472')),
    ).toEqual([])
    expect(podman.read('d1', '/tmp/calls')).toBe('post_run failed 0\n')
    expectNothingOwed()
  })

  it('a recover runs its hooks in the containers of its volume', LONG, async () => {
    podman.start('f1', { 'stop.sh': NOTE, 'start.sh': NOTE })
    const { result } = await backUpWithHooks(daemon, {})
    const commands = { pre_recover: { command: 'stop.sh now' }, post_recover: { command: 'start.sh' } }
    const hooks = JSON.stringify({ ...commands, volume: '/data/db', containers: ['f1'] })
    const form = { app: 'shop', proc: 'shop.web.web', destDir: join(daemon.dir, 'volumes/db'), hooks }
    const { body } = await daemon.ask('POST', `/api/v1/backup/full/recover/file/${result?.file}`, { form })
    const record = await daemon.ended((body as { rid: string }).rid)
    expect(record).toMatchObject({ state: 'success', reason: '' })
    expect(record.result?.hooks).toMatchObject([
      { hook: 'pre_recover', container: 'f1' },
      { hook: 'post_recover', container: 'f1' },
    ])
    expect(podman.read('f1', '/tmp/calls')).toBe('pre_recover running 1now\npost_recover success 0\n')
    expectNothingOwed()
  })

  it(
    'a container that is paused meanwhile locks the volume until it can run what it owes',
    LONG,
    async () => {
      const scripts = { 'resume.sh': NOTE, 'end.sh': NOTE }
      podman.start('g1', { 'quiesce.sh': NOTE, ...scripts })
      podman.start('g2', {
        'quiesce.sh': 'touch /tmp/began; until [ -e /tmp/go ]; do sleep 1; done',
        ...scripts,
      })
      const args = { ...HOOKS, containers: ['g1', 'g2'] }
      const rid = await requestBackupWithHooks(daemon, args, { hooks: { always: { command: 'end.sh' } } })
      await expect
        .poll(() => podman.run('exec', 'g2', '/bin/sh', '-c', 'echo /tmp/*'), {
          timeout: 30_000,
          interval: 1000,
        })
        .toContain('began')
      podman.run('pause', 'g1')
      podman.run('exec', 'g2', '/bin/touch', '/tmp/go')
      const record = await daemon.ended(rid)
      expect(record).toMatchObject({
        state: 'partial',
        reason: expect.stringContaining('container "g1": it is paused'),
      })
      const { body } = await daemon.ask('POST', '/api/v1/cron/once/j1')
      const refused = await daemon.ended((body as { rid: string }).rid)
      expect(refused).toMatchObject({ state: 'failed', error: { code: 'VOLUME_LOCKED' } })
      podman.run('unpause', 'g1')
      const called = () => podman.read('g1', '/tmp/calls')
      await expect
        .poll(called, { timeout: 60_000, interval: 2000 })
        .toBe('pre_run running 1a b\npost_run success 0\nalways success 0\n')
      await expect.poll(journals, { timeout: 30_000 }).toEqual([])
    },
  )

  it('a container that is removed meanwhile is reported, and blocks nothing', LONG, async () => {
    podman.start('e1', { 'quiesce.sh': 'touch /tmp/began; sleep 4724', 'resume.sh': NOTE })
    const rid = await requestBackupWithHooks(daemon, { ...HOOKS, containers: ['e1'] })
    await expect
      .poll(() => podman.run('exec', 'e1', '/bin/sh', '-c', 'ls /tmp 2>/dev/null || echo /tmp/*'), {
        timeout: 30_000,
      })
      .toContain('began')
    podman.run('rm', '--force', '--time', '0', 'e1')
    const record = await daemon.ended(rid)
    expect(record).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED' } })
    expect(record.warnings.join()).toMatch(/post_run \(resume.sh\) in the container "e1" could not be run/)
    expectNothingOwed()
  })
})

test('an engine that does not answer is one clear error', LONG, async () => {
  await using daemon = await startTestDaemon({ hooks: { containerSocket: '/nonexistent/podman.sock' } })
  const { reason, error } = await backUpWithHooks(daemon, { ...HOOKS, containers: ['c1'] })
  expect(error?.code).toBe('HOOK_FAILED')
  expect(reason).toMatch(
    /container engine at "\/nonexistent\/podman.sock" cannot be used: .*Check that it runs, and --container-socket/,
  )
})
