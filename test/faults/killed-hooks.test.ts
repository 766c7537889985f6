import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type RunRecord } from '../../src/wire/record.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'
import { backupArgs } from '../support/plugin-args.ts'

const LONG = { timeout: 240_000 }
const POLL = { timeout: 60_000, interval: 200 }

const NOTE = 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_ATTEMPT $BACKUPD_HOOK_STATE" >> out/calls'
/** What runs at the end of an interrupted run. */
const ENDED = ['on_failure 1 failed', 'always 1 failed']

/** The folders of a daemon with one volume, and a folder for hooks. */
function makeWorld() {
  const dir = temporaryDir()
  onTestFinished(() => dir[Symbol.dispose]())
  const volume = join(dir.path, 'volumes/db')
  for (const name of ['store', 'volumes/db']) mkdirSync(join(dir.path, name), { recursive: true })
  writeFileSync(join(volume, 'file'), 'content')
  const hooks = makeHookFolder()
  for (const name of ['tell.sh', 'end.sh']) hooks.write(name, NOTE)
  return { dir: dir.path, volume, hooks }
}

type World = ReturnType<typeof makeWorld>

async function startDaemon({ dir, hooks }: World) {
  const daemon = await startDaemonProcess([...localFlags(dir), '--allow-host-hooks', hooks.dir])
  onTestFinished(async () => void (await kill(daemon, 'SIGKILL')))
  const ask = (method: string, path: string, form = {}) => askHttp(daemon.url, method, path, { form })
  return {
    ask,
    kill: () => kill(daemon, 'SIGKILL'),
    record: async (rid: string) => (await ask('GET', `/api/v1/cron/records/${rid}`)).body as RunRecord,
    isReady: async () => ((await ask('GET', '/api/v1/debug')).body as { crond_status: string }).crond_status,
  }
}

type Running = Awaited<ReturnType<typeof startDaemon>>

async function startBackup({ ask, isReady }: Running, { volume }: World): Promise<string> {
  await expect.poll(isReady, POLL).toBe('started')
  const args = { ...backupArgs(volume), preRun: 'quiesce.sh', postRun: 'resume.sh' }
  const hooks = { on_failure: { command: 'tell.sh' }, always: { command: 'end.sh' } }
  const kind = { spec: '0 6 * * *', action: 'backup', type: 'cron', sleep: false }
  const job = { id: 'j1', ...kind, args, options: { hooks } }
  await ask('PUT', '/api/v1/cron/jobs', { data: JSON.stringify([job]), version: 'v1' })
  return ((await ask('POST', '/api/v1/cron/once/j1')).body as { rid: string }).rid
}

const appears = ({ hooks }: World, file: string) =>
  expect.poll(() => existsSync(join(hooks.dir, 'out', file)), POLL).toBe(true)

async function expectEnded(running: Running, rid: string): Promise<RunRecord> {
  await expect.poll(async () => isTerminal((await running.record(rid)).state), POLL).toBe(true)
  const record = await running.record(rid)
  expect(record).toMatchObject({ state: 'failed', error: { code: 'DAEMON_RESTARTED' } })
  return record
}

/** The daemon, then the hook that it runs, which has written its id to `pid`. */
async function killWithHook(world: ReturnType<typeof makeWorld>, daemon: { kill(): Promise<unknown> }) {
  await appears(world, 'pid')
  await daemon.kill()
  await expect.poll(() => world.hooks.lines('pid'), POLL).toHaveLength(1)
  process.kill(Number(world.hooks.lines('pid')[0]), 'SIGKILL')
}

test.skipIf(noHostHooks)(
  `a pre_run that outlives its daemon is awaited, then post_run is run (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const world = makeWorld()
    const wait = 'touch out/began; until [ -e out/go ]; do sleep 0.1; done'
    world.hooks.write('quiesce.sh', `${NOTE}; ${wait}; echo quiesced >> out/calls`)
    world.hooks.write('resume.sh', `${NOTE}; echo resumed`)
    const first = await startDaemon(world)
    const rid = await startBackup(first, world)
    await appears(world, 'began')
    await first.kill()

    const second = await startDaemon(world)
    await expect.poll(second.isReady, POLL).toBe('started')
    expect((await second.record(rid)).state).toBe('running')
    const refused = await second.ask('POST', '/api/v1/cron/once/j1')
    expect(refused).toMatchObject({
      code: 'VOLUME_LOCKED',
      body: expect.stringContaining('hooks are being run'),
    })
    writeFileSync(join(world.hooks.dir, 'out/go'), '')
    const { reason, warnings, result } = await expectEnded(second, rid)
    expect(result?.hooks?.map(({ hook, stdout }) => [hook, stdout])).toEqual([
      ['post_run', 'resumed\n'],
      ['on_failure', ''],
      ['always', ''],
    ])
    expect(reason).toContain('post_run (resume.sh) on this machine succeeded')
    expect(warnings).toEqual([
      'the hook post_run (resume.sh) on this machine succeeded',
      'the hook on_failure (tell.sh) on this machine succeeded',
      'the hook always (end.sh) on this machine succeeded',
    ])
    expect(world.hooks.lines('calls')).toEqual([
      'pre_run 1 running',
      'quiesced',
      'post_run 1 failed',
      ...ENDED,
    ])
    expect(readdirSync(join(world.dir, 'data/hooks'))).toEqual([])
  },
)

test.skipIf(noHostHooks)(
  `a post_run that died with its daemon is run again, as attempt 2 (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const world = makeWorld()
    world.hooks.write('quiesce.sh', NOTE)
    const die = 'if [ ! -e out/pid ]; then echo $$ > out/pid; exec sleep 5716; fi'
    world.hooks.write('resume.sh', `${NOTE}; ${die}`)
    const first = await startDaemon(world)
    const rid = await startBackup(first, world)
    await killWithHook(world, first)

    const second = await startDaemon(world)
    const { result } = await expectEnded(second, rid)
    expect(result?.hooks).toMatchObject([
      { hook: 'pre_run', attempt: 1, exitCode: 0, failure: '' },
      { hook: 'post_run', attempt: 2, exitCode: 0 },
      { hook: 'on_failure' },
      { hook: 'always' },
    ])
    expect(world.hooks.lines('calls')).toEqual([
      'pre_run 1 running',
      'post_run 1 running',
      'post_run 2 failed',
      ...ENDED,
    ])
    const next = await startBackup(second, world)
    await expect.poll(async () => (await second.record(next)).state, POLL).toBe('success')
  },
)

test.skipIf(noHostHooks)(
  `the record of a run that was killed after its backup was stored says so (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const world = makeWorld()
    for (const name of ['quiesce.sh', 'resume.sh']) world.hooks.write(name, NOTE)
    world.hooks.write('end.sh', `${NOTE}; [ -e out/pid ] || { echo $$ > out/pid; exec sleep 5719; }`)
    const first = await startDaemon(world)
    const rid = await startBackup(first, world)
    await killWithHook(world, first)

    const { reason, error } = await expectEnded(await startDaemon(world), rid)
    expect(reason).toMatch(/after its backup was stored; its hooks were run: .*always.* succeeded$/)
    expect(error?.facts.outcome).toBe('stored')
    expect(world.hooks.lines('calls').slice(-2)).toEqual(['always 1 success', 'always 2 success'])
    expect(
      readdirSync(join(world.dir, 'store/10.77.0.11')).filter((name) => name.endsWith('.tar.gz')),
    ).toHaveLength(1)
  },
)

test.skipIf(noHostHooks)(
  `the record of a killed run says so if the journal of its hooks is damaged (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const world = makeWorld()
    world.hooks.write('quiesce.sh', `${NOTE}; echo $$ > out/pid; exec sleep 5720`)
    world.hooks.write('resume.sh', NOTE)
    const first = await startDaemon(world)
    const rid = await startBackup(first, world)
    await killWithHook(world, first)
    const journal = join(world.dir, 'data/hooks', `${rid}.json`)
    writeFileSync(journal, '{"format":1,')

    const { reason } = await expectEnded(await startDaemon(world), rid)
    const what = `its hooks could not be run, because "${journal}" cannot be read: do by hand what they would`
    expect(reason).toBe(`The daemon stopped while this ran; ${what}, then delete that file. Run it again`)
    expect(readFileSync(journal, 'utf8')).toBe('{"format":1,')
  },
)

test.skipIf(noHostHooks)(
  `a recover that was killed in its hooks is settled, and post_recover is run (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const world = makeWorld()
    for (const name of ['quiesce.sh', 'resume.sh', 'start.sh']) world.hooks.write(name, NOTE)
    world.hooks.write('stop.sh', `${NOTE}; echo $$ > out/pid; [ -e out/stopped ] || exec sleep 5717`)
    const first = await startDaemon(world)
    const made = await startBackup(first, world)
    await expect.poll(async () => (await first.record(made)).state, POLL).toBe('success')
    const backup = (await first.record(made)).result?.file
    const file = join(world.volume, 'file')
    writeFileSync(file, 'newer')
    const command = { pre_recover: { command: 'stop.sh' }, post_recover: { command: 'start.sh' } }
    const recover = async ({ ask }: Running) => {
      const hooks = JSON.stringify({ volume: '/data/db', containers: [], ...command })
      const form = { destDir: world.volume, app: 'shop', proc: 'shop.web.web', hooks }
      const { body } = await ask('POST', `/api/v1/backup/full/recover/file/${backup}`, form)
      return (body as { rid: string }).rid
    }
    const killed = await recover(first)
    await appears(world, 'pid')
    await first.kill()
    process.kill(Number(world.hooks.lines('pid')[0]), 'SIGKILL')

    const second = await startDaemon(world)
    const { reason, warnings, result } = await expectEnded(second, killed)
    expect(reason).toMatch(/; its hooks were run: .* succeeded\. Run it again$/)
    expect(warnings).toEqual(['the hook post_recover (start.sh) on this machine succeeded'])
    expect(result?.hooks).toMatchObject([{ hook: 'post_recover', attempt: 1, failure: '' }])
    expect(readFileSync(file, 'utf8')).toBe('newer')
    writeFileSync(join(world.hooks.dir, 'out/stopped'), '')
    const again = await recover(second)
    await expect.poll(async () => (await second.record(again)).state, POLL).toBe('success')
    expect(readFileSync(file, 'utf8')).toBe('content')
    expect(world.hooks.lines('calls').slice(-4)).toEqual([
      'pre_recover 1 running',
      'post_recover 1 failed',
      'pre_recover 1 running',
      'post_recover 1 success',
    ])

    writeFileSync(file, 'newest')
    world.hooks.write('start.sh', `${NOTE}; echo $$ > out/starting; exec sleep 5718`)
    const replaced = await recover(second)
    await appears(world, 'starting')
    await second.kill()
    process.kill(Number(world.hooks.lines('starting')[0]), 'SIGKILL')
    world.hooks.write('start.sh', NOTE)
    const ended = await expectEnded(await startDaemon(world), replaced)
    expect(ended.reason).toMatch(/the volume has its new content; its hooks were run: .* succeeded$/)
    expect(ended.result?.hooks).toMatchObject([{ hook: 'pre_recover' }, { hook: 'post_recover', attempt: 2 }])
    expect(readFileSync(file, 'utf8')).toBe('content')
  },
)
