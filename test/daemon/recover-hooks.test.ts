import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { backUpWithHooks } from '../support/hooked-backup.ts'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'

const LONG = { timeout: 60_000 }
const NOTE = 'env | grep ^BACKUPD_HOOK | grep -v _ID= > out/$BACKUPD_HOOK'
const HOOKS = { pre_recover: { command: 'stop.sh now' }, post_recover: { command: 'start.sh' } }

/** A daemon with one backup of its volume, which has other content since. */
async function startBackedUp(hostDir?: string) {
  const daemon = await startTestDaemon(hostDir === undefined ? {} : { hooks: { hostDir } })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const { result } = await backUpWithHooks(daemon, {})
  const file = join(daemon.dir, 'volumes/db/file')
  writeFileSync(file, 'newer')
  const recover = (hooks: object, form = {}) =>
    requestRecover(daemon, `${result?.file}`, {
      ...form,
      hooks: JSON.stringify({ containers: [], ...hooks }),
    })
  return { daemon, file, backup: `${result?.file}`, recover }
}

async function requestRecover(daemon: StartedDaemon, backup: string, form: object): Promise<RunRecord> {
  const target = { app: 'shop', proc: 'shop.web.web', destDir: join(daemon.dir, 'volumes/db') }
  const path = `/api/v1/backup/full/recover/file/${backup}`
  const { body } = await daemon.ask('POST', path, { form: { ...target, inUse: 'refuse', ...form } })
  return await daemon.ended((body as { rid: string }).rid)
}

/** A process that holds a file of the volume open; its id is noted for the hook. */
async function holdOpen(file: string, pidFile: string): Promise<ChildProcess> {
  const holder = spawn('sh', ['-c', 'echo held; exec sleep 4731 < "$0"', file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  writeFileSync(pidFile, `${holder.pid}`)
  return holder
}

test.skipIf(noHostHooks)(
  `pre_recover may stop what uses the volume, and post_recover starts it again (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write(
      'stop.sh',
      `${NOTE}; kill -9 $(cat out/pid); while kill -0 $(cat out/pid); do sleep 0.1; done`,
    )
    hooks.write('start.sh', NOTE)
    const { file, backup, recover } = await startBackedUp(hooks.dir)
    const holder = await holdOpen(file, join(hooks.dir, 'out/pid'))
    const gone = once(holder, 'exit')
    const refused = await recover({ volume: '/data/db' })
    expect(refused).toMatchObject({ state: 'failed', error: { code: 'VOLUME_IN_USE' } })
    const record = await recover({ volume: '/data/db', ...HOOKS })
    await gone
    expect(record).toMatchObject({ state: 'success', reason: '', result: { entriesRestored: 2 } })
    expect(record.result?.hooks).toMatchObject([
      { hook: 'pre_recover', failure: '', exitCode: 0 },
      { hook: 'post_recover', failure: '', exitCode: 0 },
    ])
    expect(readFileSync(file, 'utf8')).toBe('content')
    expect(hooks.lines('post_recover').toSorted()).toEqual([
      'BACKUPD_HOOK=post_recover',
      'BACKUPD_HOOK_APP=shop',
      'BACKUPD_HOOK_ATTEMPT=1',
      `BACKUPD_HOOK_BACKUP=${backup}`,
      'BACKUPD_HOOK_PROC=shop.web.web',
      `BACKUPD_HOOK_RUN=${record.rid}`,
      'BACKUPD_HOOK_STATE=success',
      'BACKUPD_HOOK_VOLUME=/data/db',
    ])
    expect(hooks.lines('pre_recover')).toContain('BACKUPD_HOOK_STATE=running')
  },
)

test.skipIf(noHostHooks)(
  `a failed pre_recover changes nothing; a failed post_recover makes the run partial (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const hooks = makeHookFolder()
    hooks.write('stop.sh', 'echo no >&2; exit 6')
    hooks.write('start.sh', `${NOTE}; exit 7`)
    const { daemon, file, recover } = await startBackedUp(hooks.dir)
    const failed = await recover({ volume: '/v', ...HOOKS })
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED' } })
    expect(failed.reason).toMatch(/pre_recover \(stop.sh\) on this machine failed with exit code 6/)
    expect(failed.result?.hooks).toMatchObject([
      { hook: 'pre_recover' },
      { hook: 'post_recover', exitCode: 7 },
    ])
    expect(failed.warnings.join()).toMatch(
      /post_recover \(start.sh\) on this machine failed with exit code 7/,
    )
    expect(hooks.lines('post_recover')).toContain('BACKUPD_HOOK_STATE=failed')
    expect(readFileSync(file, 'utf8')).toBe('newer')
    const partial = await recover({ volume: '/v', post_recover: { command: 'start.sh' } })
    expect(partial).toMatchObject({ state: 'partial', reason: expect.stringContaining('exit code 7') })
    expect(readFileSync(file, 'utf8')).toBe('content')
    writeFileSync(file, 'newer')
    const warned = await recover({ volume: '/v', post_recover: { command: 'start.sh', policy: 'warn' } })
    expect(warned).toMatchObject({ state: 'success', warnings: [expect.stringContaining('exit code 7')] })
    const outside = await recover({ volume: '/v', post_recover: { command: '/bin/true' } })
    expect(outside).toMatchObject({ state: 'failed', error: { code: 'FORBIDDEN' } })
    expect(existsSync(join(daemon.dir, 'data/hooks', `${outside.rid}.json`))).toBe(false)
  },
)

test(
  'without a flag, the recover is made without its hooks, and says so; a bad field is refused',
  LONG,
  async () => {
    const { daemon, backup, file, recover } = await startBackedUp()
    const record = await recover({ volume: '/v', ...HOOKS })
    const reason = expect.stringMatching(/^its hooks were not run: .*--allow-host-hooks/)
    expect(record).toMatchObject({ state: 'partial', reason, warnings: [reason] })
    expect(readFileSync(file, 'utf8')).toBe('content')
    const refused = await daemon.ask('POST', `/api/v1/backup/full/recover/file/${backup}`, {
      form: { destDir: '', app: 'shop', proc: 'shop.web.web', hooks: '{"pre_recover": "stop.sh"}' },
    })
    expect(refused).toMatchObject({ status: 400, code: 'BAD_INPUT' })
    expect(refused.body).toContain('hooks')
  },
)
