import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LogPage } from '../../src/wire/run-log.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { backUpWithHooks, requestBackupWithHooks } from '../support/hooked-backup.ts'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'
import { backupArgs } from '../support/plugin-args.ts'

const journals = (daemon: StartedDaemon) => {
  const dir = join(daemon.dir, 'data/hooks')
  return existsSync(dir) ? readdirSync(dir) : []
}

const LONG = { timeout: 60_000 }
const HOOKS = { preRun: 'quiesce.sh "a b"', postRun: 'resume.sh' }
/** Notes what a hook sees. */
const NOTE = 'env | grep ^BACKUPD_ > out/$BACKUPD_HOOK; echo "$0 $# $1" >> out/calls'

test('without --allow-host-hooks, hooks are not run, and the backup says so', LONG, async () => {
  await using daemon = await startTestDaemon()
  for (const args of [HOOKS, { preRun: `it's`, postRun: '' }])
    expect(await backUpWithHooks(daemon, args)).toMatchObject({
      state: 'partial',
      reason: expect.stringMatching(/^its hooks were not run: .*--allow-host-hooks/),
    })
  expect(await backUpWithHooks(daemon, { ...HOOKS, containers: ['c1'] })).toMatchObject({
    state: 'partial',
    reason: expect.stringMatching(/^its hooks were not run: /),
  })
})

test.skipIf(noHostHooks)(
  `hooks run around the reading of the volume (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('quiesce.sh', NOTE)
    hooks.write('resume.sh', NOTE)
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    for (const mode of ['full', 'increment']) {
      const record = await backUpWithHooks(daemon, { ...HOOKS, mode })
      expect(record).toMatchObject({ state: 'success', reason: '', warningCount: 0 })
      const name = mode === 'full' ? record.result?.file : backupArgs('').archive
      expect(record.result?.hooks).toMatchObject([
        { hook: 'pre_run', container: null, attempt: 1, failure: '', exitCode: 0, stderr: '' },
        { hook: 'post_run', container: null, attempt: 1, failure: '', exitCode: 0, stderr: '' },
      ])
      expect(hooks.lines('pre_run')).toEqual(
        expect.arrayContaining([
          'BACKUPD_HOOK=pre_run',
          'BACKUPD_HOOK_APP=shop',
          'BACKUPD_HOOK_ATTEMPT=1',
          `BACKUPD_HOOK_BACKUP=${name}`,
          'BACKUPD_HOOK_PROC=shop.web.web',
          `BACKUPD_HOOK_RUN=${record.rid}`,
          'BACKUPD_HOOK_STATE=running',
          'BACKUPD_HOOK_VOLUME=/data/db',
        ]),
      )
      expect(hooks.lines('post_run')).toContain('BACKUPD_HOOK_STATE=running')
    }
    const calls = [`${hooks.dir}/quiesce.sh 1 a b`, `${hooks.dir}/resume.sh 0 `]
    expect(hooks.lines('calls')).toEqual([...calls, ...calls])
    expect(journals(daemon)).toEqual([])
  },
)

test.skipIf(noHostHooks)(
  `a failed pre_run stops the backup, and post_run is run (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('quiesce.sh', 'echo no room >&2; exit 7')
    hooks.write('resume.sh', 'echo $BACKUPD_HOOK_STATE > out/state')
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const failed = await backUpWithHooks(daemon, HOOKS)
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED' } })
    expect(failed.reason).toMatch(
      /pre_run \(quiesce.sh\) on this machine failed with exit code 7. It wrote: no room/,
    )
    expect(hooks.lines('state')).toEqual(['failed'])
    expect(failed.result?.hooks).toMatchObject([
      { hook: 'pre_run', exitCode: 7, stderr: 'no room\n' },
      { hook: 'post_run', exitCode: 0, failure: '' },
    ])
    const { body } = await daemon.ask('GET', `/api/v1/cron/records/${failed.rid}/log`)
    expect((body as LogPage).lines.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'info running',
      expect.stringMatching(/^warn the hook pre_run .* failed with exit code 7/),
      'warn stderr: no room',
      expect.stringMatching(/^info the hook post_run .* succeeded$/),
      `error failed: ${failed.reason}`,
    ])
    const names = readdirSync(join(daemon.dir, 'store/10.77.0.11'))
    expect(names.filter((name) => name.includes('tar'))).toEqual([])
    const warned = await backUpWithHooks(daemon, HOOKS, { hooks: { pre_run: { policy: 'warn' } } })
    expect(warned).toMatchObject({ state: 'success', warnings: [expect.stringContaining('exit code 7')] })
  },
)

test.skipIf(noHostHooks)(
  `a failed post_run makes the backup partial, or warns (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('resume.sh', 'exit 3')
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const args = { postRun: 'resume.sh' }
    const partial = await backUpWithHooks(daemon, args)
    expect(partial).toMatchObject({ state: 'partial', reason: expect.stringContaining('exit code 3') })
    expect(partial.result?.backup).toMatchObject({ state: 'partial' })
    const warned = await backUpWithHooks(daemon, args, { hooks: { post_run: { policy: 'warn' } } })
    expect(warned).toMatchObject({ state: 'success', warnings: [expect.stringContaining('exit code 3')] })
  },
)

test.skipIf(noHostHooks)(
  `a hung hook is ended with all its children (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    const child = 'setsid sleep 4711 & setsid sh -c "sleep 4712 & sleep 4713" &'
    hooks.write('quiesce.sh', `${child} echo started; sleep 4714`)
    hooks.write('resume.sh', 'ps -e -o args > out/ps')
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const failed = await backUpWithHooks(daemon, HOOKS, { hooks: { pre_run: { limitSeconds: 1 } } })
    expect(failed.reason).toMatch(/took longer than 1 s, its time limit, and was ended. It wrote: started/)
    expect(hooks.lines('ps').filter((line) => line.includes('sleep 471'))).toEqual([])
  },
)

test.skipIf(noHostHooks)(
  `a flood of output is kept in part (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('quiesce.sh', 'yes x | head -c 20000000; echo the end')
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const { state, result } = await backUpWithHooks(daemon, { preRun: 'quiesce.sh' })
    expect(state).toBe('success')
    expect(result?.hooks?.[0]?.stdout).toMatch(/^(x\n)+the end\n$/)
    const logged = daemon.log.lines.find(({ message }) => message.includes('quiesce.sh')) as unknown as {
      facts: { stdout: string }
    }
    expect(logged.facts.stdout).toMatch(/^\(19934472 bytes before are left out\) (x\n)+the end\n$/)
    expect(logged.facts.stdout.length).toBeLessThan(65_700)
  },
)

test.skipIf(noHostHooks)(
  `a cancelled run runs post_run before it ends (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('quiesce.sh', 'touch out/began; sleep 4715')
    hooks.write('resume.sh', 'sleep 1; echo $BACKUPD_HOOK_STATE > out/state')
    hooks.write('tell.sh', 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_STATE" > out/told')
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const options = { hooks: { on_failure: { command: 'tell.sh' } } }
    const rid = await requestBackupWithHooks(daemon, HOOKS, options)
    await expect.poll(() => existsSync(join(hooks.dir, 'out/began')), { timeout: 20_000 }).toBe(true)
    await daemon.ask('POST', `/api/v1/cron/records/${rid}/actions/cancel`)
    const cancelled = await daemon.ended(rid)
    expect(cancelled).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(cancelled.result?.hooks?.map(({ hook }) => hook)).toEqual(['pre_run', 'post_run', 'on_failure'])
    expect(hooks.lines('state')).toEqual(['cancelled'])
    expect(hooks.lines('told')).toEqual(['on_failure cancelled'])
    expect(journals(daemon)).toEqual([])
  },
)

test.skipIf(noHostHooks)(
  `on_failure runs after a failed run, always after every run, in order (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    const note = 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_STATE $1" >> out/calls'
    for (const name of ['resume.sh', 'tell.sh']) hooks.write(name, note)
    hooks.write('end.sh', `${note}; exit 4`)
    hooks.write('quiesce.sh', `${note}; exit $1`)
    await using daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
    const options = { hooks: { on_failure: { command: "tell.sh 'a b'" }, always: { command: 'end.sh' } } }
    const endFailed = expect.stringMatching(/always \(end.sh\) on this machine failed with exit code 4/)

    const failed = await backUpWithHooks(daemon, { preRun: 'quiesce.sh 1', postRun: 'resume.sh' }, options)
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED' }, warnings: [endFailed] })
    const good = await backUpWithHooks(daemon, { preRun: 'quiesce.sh 0', postRun: 'resume.sh' }, options)
    expect(good).toMatchObject({ state: 'partial', reason: endFailed })
    expect(good.result?.backup).toMatchObject({ state: 'success' })
    expect(good.result?.hooks?.map(({ hook }) => hook)).toEqual(['pre_run', 'post_run', 'always'])
    const alone = await backUpWithHooks(daemon, {}, { hooks: { always: { command: 'tell.sh 1' } } })
    expect(alone).toMatchObject({ state: 'success', reason: '' })
    expect(hooks.lines('calls')).toEqual([
      'pre_run running 1',
      'post_run failed ',
      'on_failure failed a b',
      'always failed ',
      'pre_run running 0',
      'post_run running ',
      'always success ',
      'always success 1',
    ])
    expect(journals(daemon)).toEqual([])
  },
)

test('what a killed run left of the writing of its journal is removed', LONG, async () => {
  using dir = temporaryDir()
  const [first, second] = [
    '179542348924c5167216092acf430c138063f89f27',
    '179542348924c5167216092acf430c138063f89f28',
  ]
  const journal = {
    format: 1,
    rid: first,
    volume: '/v',
    env: {},
    hooks: [],
    state: 'running',
    begun: [null],
    calls: [],
  }
  const folder = join(dir.path, 'data/hooks')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${first}.json`), JSON.stringify(journal))
  for (const rid of [first, second]) writeFileSync(join(folder, `${rid}.json.tmp-123`), '{')
  await using daemon = await startTestDaemon({}, dir.path)
  await expect.poll(() => journals(daemon), { timeout: 30_000 }).toEqual([])
})
