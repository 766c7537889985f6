import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DaemonOptions } from '../../src/daemon/daemon.ts'
import { openDaemonDatabase } from '../../src/daemon/memory/database.ts'
import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '10.77.0.11'
/** A store that did not answer in time, on a busy machine, is tried again after 30 s. */
const PATIENCE = { timeout: 120_000, interval: 100 }
const LONG = { timeout: 240_000 }

let dir: ReturnType<typeof temporaryDir>
let daemon: StartedDaemon

beforeEach(async () => {
  dir = temporaryDir()
  mkdirSync(at('volumes/v'), { recursive: true })
  writeFileSync(at('volumes/v/file'), 'content')
  await start()
})

afterEach(async () => {
  await daemon.close()
  dir[Symbol.dispose]()
})

const at = (path: string) => join(dir.path, path)
const inNamespace = (name: string) => at(`store/${IP}/${name}`)

async function backUp(mode: 'full' | 'increment') {
  const args = {
    app: 'app',
    proc: 'app.web.web',
    volume: '/v',
    instanceNo: 1,
    containers: [],
    preRun: '',
    postRun: '',
    archive: 'app-app.web.web-1-v',
    mode,
    path: at('volumes/v'),
  }
  const job = { id: mode, spec: '0 6 * * *', action: 'backup', args, type: 'cron', sleep: false }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), version: mode } })
  const { status, code, body } = await daemon.ask('POST', `/api/v1/cron/once/${mode}`)
  if (status >= 400) return { state: 'refused', code, message: String(body) }
  const { state, error } = await daemon.ended((body as { rid: string }).rid)
  return { state, ...(error && { code: error.code }), message: error?.message ?? '' }
}

async function made(mode: 'full' | 'increment'): Promise<void> {
  expect(await backUp(mode)).toEqual({ state: 'success', message: '' })
}

async function restart(
  options: Partial<DaemonOptions> = {},
  whileDown: () => void = () => {},
): Promise<void> {
  await daemon.close()
  whileDown()
  await start(options)
}

/** Until the store is claimed or refused. */
async function start(options: Partial<DaemonOptions> = {}): Promise<void> {
  daemon = await startTestDaemon(options, dir.path)
  const isPending = async () => {
    const { body } = await daemon.ask('GET', '/healthz')
    const { status, reason = '' } = body as { status: string; reason?: string }
    const said = daemon.log.lines.map(({ message }) => message)
    const isClaimed = !said.some((line) => line.startsWith('The store cannot be claimed'))
    return status === 'ok'
      ? !isClaimed && !said.includes('The store is available and claimed')
      : /not answered|starting|settled/.test(reason)
  }
  await vi.waitFor(async () => expect(await isPending()).toBe(false), PATIENCE)
}

async function problems(): Promise<readonly string[]> {
  return ((await daemon.ask('GET', '/api/v1/debug')).body as DaemonDebug).problems ?? []
}

const listed = () => daemon.ask('GET', `/api/v1/backup/json?protocol=2&namespace=${IP}&limit=10`)

/** As a daemon of the commit before leaves it: it kept no ids. */
function forgetIds(): void {
  const db = openDaemonDatabase(at('data/daemon.db'), silentLog)
  db.prepare("DELETE FROM facts WHERE key LIKE 'store:%'").run()
  db.close()
  if (!existsSync(inNamespace('.owner'))) return
  const { daemonId, epoch } = JSON.parse(readFileSync(inNamespace('.owner'), 'utf8'))
  writeFileSync(inNamespace('.owner'), `${JSON.stringify({ daemonId, epoch })}\n`)
}

function putEmptyStore(): void {
  renameSync(at('store'), at('moved'))
  mkdirSync(at('store'))
}

function putStoreBack(): void {
  rmSync(at('store'), { recursive: true })
  renameSync(at('moved'), at('store'))
}

describe('an empty directory in place of the mounted store', LONG, () => {
  test('gets no backup and hides none, while the daemon runs', async () => {
    await made('full')
    putEmptyStore()
    expect(await backUp('full')).toMatchObject({
      code: 'STORE_CHANGED',
      message: expect.stringContaining('--claim-store'),
    })
    expect(await backUp('increment')).toMatchObject({ code: 'STORE_CHANGED' })
    expect(await listed()).toMatchObject({ status: 503, code: 'STORE_CHANGED' })
    putStoreBack()
    await made('full')
  })

  test('is not claimed by a starting daemon; it stays empty, is named, and the store is used when it is back', async () => {
    await made('full')
    await restart({}, putEmptyStore)
    expect(await backUp('full')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('--claim-store'),
    })
    await vi.waitFor(
      async () => expect((await problems()).join()).toContain('there is no ".owner" file'),
      PATIENCE,
    )
    expect(readdirSync(at('store'))).toEqual([])
    await restart({}, putStoreBack)
    await made('full')
  })

  test('is not claimed by a daemon of an earlier version whose records name backups', async () => {
    await made('full')
    await restart({}, () => {
      forgetIds()
      putEmptyStore()
    })
    expect(await backUp('full')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('--claim-store'),
    })
    expect(readdirSync(at('store'))).toEqual([])
  })

  test('is claimed once on request, and is the known store from then on', async () => {
    await made('increment')
    await restart({ claimStore: true }, putEmptyStore)
    await made('increment')
    await restart()
    await made('full')
    await restart({}, putStoreBack)
    expect(await backUp('full')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('there is another store'),
    })
  })
})

describe('the increment repository', LONG, () => {
  test('that disappears while the daemon runs is not created again, and full backups continue', async () => {
    await made('increment')
    renameSync(inNamespace('repo'), at('repo'))
    expect(await backUp('increment')).toMatchObject({
      code: 'REPOSITORY_MISSING',
      message: expect.stringContaining('--new-repository'),
    })
    expect(existsSync(inNamespace('repo/config'))).toBe(false)
    expect((await listed()).body).toMatchObject({
      unread: expect.stringContaining('the repository is missing'),
    })
    await made('full')
    renameSync(at('repo'), inNamespace('repo'))
    await made('increment')
  })

  test('is missed by a daemon of an earlier version if its records name snapshots', async () => {
    await made('increment')
    await restart({}, () => {
      forgetIds()
      renameSync(inNamespace('repo'), at('repo'))
    })
    expect(await backUp('increment')).toMatchObject({ code: 'REPOSITORY_MISSING' })
    await vi.waitFor(async () => expect((await problems()).join()).toContain('--new-repository'), PATIENCE)
  })

  test('is created again on request, and another one in its place is not accepted', async () => {
    await made('increment')
    await restart({ newRepository: true }, () => renameSync(inNamespace('repo'), at('repo')))
    await made('increment')
    rmSync(inNamespace('repo'), { recursive: true })
    renameSync(at('repo'), inNamespace('repo'))
    expect(await backUp('increment')).toMatchObject({
      code: 'REPOSITORY_MISSING',
      message: expect.stringContaining('there is another repository'),
    })
  })

  test('that is missing with its password gets no new password', async () => {
    await made('increment')
    await restart({}, () => {
      rmSync(inNamespace('repo'), { recursive: true })
      rmSync(at('store/.repository-password'))
    })
    expect(await backUp('increment')).toMatchObject({ code: 'REPOSITORY_MISSING' })
    expect(existsSync(at('store/.repository-password'))).toBe(false)
  })
})

describe('archives that are missing beside an intact .owner', LONG, () => {
  const removeArchives = () => {
    for (const name of readdirSync(inNamespace('.'))) if (name.includes('.tar.gz')) rmSync(inNamespace(name))
  }

  test('are a problem until the operator accepts it, and backups continue', async () => {
    await made('full')
    await restart({}, removeArchives)
    await vi.waitFor(async () => expect((await problems()).join()).toContain('.tar.gz" is missing'), PATIENCE)
    await made('full')
    await restart({ claimStore: true })
    await vi.waitFor(async () => expect(await spaceIsKnown()).toBe(true), PATIENCE)
    expect(await problems()).toEqual([])
  })

  test('are a problem even if .meta is missing too', async () => {
    await made('full')
    await restart({}, () => {
      removeArchives()
      rmSync(inNamespace('.meta'))
    })
    await vi.waitFor(
      async () => expect((await problems()).join()).toContain('all archives are missing'),
      PATIENCE,
    )
  })

  const spaceIsKnown = async () =>
    ((await daemon.ask('GET', '/api/v1/debug')).body as DaemonDebug).store?.freeBytes !== null
})
