import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestDaemon } from '../support/daemon-start.ts'
import { backUpWithHooks } from '../support/hooked-backup.ts'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

const LONG = { timeout: 120_000 }
const NOTE = 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_STATE" >> out/calls'

/** A daemon whose journals of hooks have little room. */
async function startWithSmallDisk() {
  const hooks = makeHookFolder()
  const daemon = await startTestDaemon({ hooks: { hostDir: hooks.dir } })
  const journals = join(daemon.dir, 'data/hooks')
  mkdirSync(journals, { recursive: true })
  const unmount = mountTmpfs(journals, 'size=64k')
  for (const name of ['resume.sh', 'tell.sh', 'end.sh']) hooks.write(name, NOTE)
  const fill = `head -c 1000000 /dev/zero > ${journals}/fill 2>/dev/null`
  const end = async () => {
    unmount()
    await daemon[Symbol.asyncDispose]()
  }
  return { daemon, hooks, journals, fill, [Symbol.asyncDispose]: end }
}

const HOOKS = { preRun: 'quiesce.sh', postRun: 'resume.sh' }
const OPTIONS = { hooks: { on_failure: { command: 'tell.sh' }, always: { command: 'end.sh' } } }

test.skipIf(noHostHooks || !canMount)(
  'a disk that becomes full after pre_run keeps no hook from being run, and the backup is kept',
  LONG,
  async () => {
    await using world = await startWithSmallDisk()
    const { daemon, hooks, journals, fill } = world
    hooks.write('quiesce.sh', `${NOTE}; ${fill}; exit 0`)
    const record = await backUpWithHooks(daemon, HOOKS, OPTIONS)
    expect(hooks.lines('calls')).toEqual(['pre_run running', 'post_run running', 'always success'])
    expect(record).toMatchObject({ state: 'success', warningCount: 1 })
    expect(record.warnings[0]).toMatch(/could not be noted \(ENOSPC.*Make room in its data directory/)
    expect(record.result?.hooks).toHaveLength(3)
    expect(readdirSync(journals)).toEqual(['fill'])
  },
)

test.skipIf(noHostHooks || !canMount)(
  'a failed pre_run is closed, and is the error of the run, on a full disk too',
  LONG,
  async () => {
    await using world = await startWithSmallDisk()
    const { daemon, hooks, journals, fill } = world
    hooks.write('quiesce.sh', `${NOTE}; ${fill}; exit 9`)
    const record = await backUpWithHooks(daemon, HOOKS, OPTIONS)
    expect(hooks.lines('calls').map((line) => line.split(' ')[0])).toEqual([
      'pre_run',
      'post_run',
      'on_failure',
      'always',
    ])
    expect(record).toMatchObject({ state: 'failed', error: { code: 'HOOK_FAILED', facts: { exitCode: 9 } } })
    expect(readdirSync(journals)).toEqual(['fill'])
  },
)

test.skipIf(noHostHooks || !canMount)(
  'no hook is run if its begin cannot be noted, because a crash would leave it unclosed',
  LONG,
  async () => {
    await using world = await startWithSmallDisk()
    const { daemon, hooks, journals, fill } = world
    hooks.write('quiesce.sh', NOTE)
    execFileSync('/bin/sh', ['-c', `${fill} || true`])
    const record = await backUpWithHooks(daemon, HOOKS, OPTIONS)
    expect(record).toMatchObject({ state: 'failed', error: { code: 'NO_ROOM' } })
    expect(readdirSync(journals)).toEqual(['fill'])
    expect(existsSync(join(hooks.dir, 'out/calls'))).toBe(false)
  },
)
