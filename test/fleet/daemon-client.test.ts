import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DaemonPort } from '../../src/domain/ports.ts'
import { createDaemonClient } from '../../src/fleet/daemon-client.ts'
import { NEVER } from '../../src/lib/clock.ts'
import type { RecoverRequest } from '../../src/wire/daemon-api.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { legacyDaemon, type ScriptedAnswer, scriptedDaemon } from '../support/scripted-daemon.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '10.77.0.11'

function clientOf(url: string, patienceMs = 10_000): DaemonPort {
  const client = createDaemonClient({ addressOf: () => url, log: silentLog, patienceMs })
  onTestFinished(() => client.close())
  return client
}

/** A daemon that gives one answer to everything. */
async function daemonThatSays(answer: ScriptedAnswer) {
  const daemon = await scriptedDaemon(() => answer)
  return { daemon, client: clientOf(daemon.url) }
}

async function collect<T>(pages: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(...page)
  return all
}

const senderOf = (version: string) => {
  return { version, controller: { id: 'c1', url: 'http://10.0.0.9:9002' }, takeOver: false }
}

const recoverRequest = {
  rid: ridOf(1),
  namespace: IP,
  name: 'a b.tar.gz',
  mode: 'full',
  destDir: '/x',
  app: 'hello',
  proc: 'hello.web.web',
  files: null,
  snapshot: null,
  inUse: 'refuse',
} as const

describe('requests', () => {
  const job = {
    id: 'j',
    spec: '* * * * *',
    action: 'backup',
    args: { a: ['&=+ü'] },
    type: 'cron',
    sleep: false,
  } as const

  test.each<[string, (daemon: DaemonPort) => Promise<unknown>, object]>([
    [
      'jobs',
      (d) => d.setJobs(IP, [job], senderOf('v1')),
      {
        method: 'PUT',
        path: '/api/v1/cron/jobs',
        form: [
          ['data', JSON.stringify([job])],
          ['version', 'v1'],
          ['controller', 'c1'],
          ['controllerUrl', 'http://10.0.0.9:9002'],
        ],
      },
    ],
    [
      'a notify address',
      (d) => d.setNotify(IP, 'http://c/x'),
      {
        method: 'PUT',
        path: '/api/v1/notify',
        form: [
          ['addr', 'http://c/x'],
          ['protocol', '2'],
        ],
      },
    ],
    [
      'a run',
      (d) => d.runJob(IP, 'a/b', { rid: ridOf(1), reread: false }),
      { method: 'POST', path: '/api/v1/cron/jobs/a%2Fb/actions/run', form: [['rid', ridOf(1)]] },
    ],
    ['sleep', (d) => d.sleepJob(IP, 'j'), { method: 'POST', path: '/api/v1/cron/jobs/j/actions/sleep' }],
    ['wake', (d) => d.wakeJob(IP, 'j'), { method: 'POST', path: '/api/v1/cron/jobs/j/actions/wakeup' }],
    ['start', (d) => d.startScheduler(IP), { method: 'PUT', path: '/api/v1/cron/start' }],
    ['stop', (d) => d.stopScheduler(IP), { method: 'PUT', path: '/api/v1/cron/stop' }],
    ['cancel', (d) => d.cancel(IP, 'r'), { method: 'POST', path: '/api/v1/cron/records/r/actions/cancel' }],
    [
      'deletes',
      (d) => d.deleteBackups(IP, IP, ['a', 'b']),
      {
        method: 'POST',
        path: '/api/v1/backup/delete',
        form: [
          ['namespace', IP],
          ['files', 'a'],
          ['files', 'b'],
        ],
      },
    ],
    [
      'a recover of all',
      (d) => d.recover(IP, recoverRequest),
      {
        method: 'POST',
        path: '/api/v1/backup/full/recover/file/a%20b.tar.gz',
        form: [
          ['rid', ridOf(1)],
          ['namespace', IP],
          ['destDir', '/x'],
          ['app', 'hello'],
          ['proc', 'hello.web.web'],
          ['inUse', 'refuse'],
        ],
      },
    ],
    [
      'a recover of some',
      (d) => d.recover(IP, { ...recoverRequest, mode: 'increment', files: ['a', '*'] }),
      {
        path: '/api/v1/backup/increment/recover/dir/a%20b.tar.gz',
        form: expect.arrayContaining([
          ['files', 'a'],
          ['files', '*'],
        ]),
      },
    ],
    [
      'a question for files',
      (d) =>
        d
          .ask(IP, 'files', { namespace: IP, name: 'n', path: 'a/b', after: 'a/b/c', limit: 9 })
          .catch(() => {}),
      {
        path: '/api/v1/backup/files/n',
        query: [
          ['namespace', IP],
          ['path', 'a/b'],
          ['limit', '9'],
          ['after', 'a/b/c'],
        ],
      },
    ],
  ])('%s', async (_, ask, expected) => {
    const { daemon, client } = await daemonThatSays({ body: { rid: ridOf(2) } })
    await ask(client)
    expect(daemon.seen).toMatchObject([expected])
  })
})

describe('a daemon of ours', () => {
  test('returns a record, or that it knows none', async () => {
    const record = sampleRecord({ server: IP })
    const { client } = await daemonThatSays({ body: record })
    expect(await client.record(IP, record.rid)).toEqual(record)
    expect(await client.record(IP, ridOf(9))).toBeUndefined()
    expect(await client.record('10.0.0.9', record.rid)).toBeUndefined()
    const unknown = await daemonThatSays({
      status: 404,
      body: 'no such record',
      headers: { 'x-backupd-error-code': 'NOT_FOUND' },
    })
    expect(await unknown.client.record(IP, 'r')).toBeUndefined()
    const refusing = await daemonThatSays({
      status: 409,
      body: 'busy: wait',
      headers: { 'x-backupd-error-code': 'CONFLICT' },
    })
    await expect(refusing.client.record(IP, 'r')).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('lists backups page by page', async () => {
    const names = ['a', 'b', 'c'].map((name) => sampleBackup({ name }))
    const daemon = await scriptedDaemon(({ query }) => {
      const at = names.findIndex(({ name }) => name === new Map(query).get('after')) + 1
      return { body: { backups: names.slice(at, at + 1), next: at < 2 ? names[at]?.name : null } }
    })
    expect(await collect(clientOf(daemon.url).backups(IP, '10.0.0.9'))).toEqual(names)
    expect(daemon.seen.map(({ query }) => new Map(query).get('after'))).toEqual([undefined, 'a', 'b'])
    expect(daemon.seen[0]?.query).toEqual([
      ['protocol', '2'],
      ['namespace', '10.0.0.9'],
      ['limit', '1000'],
    ])
  })

  test('that cannot read its increments lists the rest first, and nothing counts as deleted', async () => {
    const daemon = await scriptedDaemon(({ query }) => {
      const isFirst = !new Map(query).has('after')
      const page = isFirst ? { next: 'a', unread: 'the password is wrong' } : { next: null }
      return { body: { backups: [sampleBackup({ name: isFirst ? 'a' : 'b' })], ...page } }
    })
    const listed: string[] = []
    const list = async () => {
      for await (const page of clientOf(daemon.url).backups(IP, IP))
        listed.push(...page.map(({ name }) => name))
    }
    await expect(list()).rejects.toMatchObject({
      code: 'REPOSITORY_PASSWORD',
      message: expect.stringContaining('the password is wrong'),
    })
    expect(listed).toEqual(['a', 'b'])
  })

  test('that lists in circles is not asked forever', async () => {
    const { client } = await daemonThatSays({ body: { backups: [], next: 'a' } })
    await expect(collect(client.backups(IP, IP))).rejects.toThrow('the same page follows again and again')
  })

  test.each([
    ['recover single files of a full backup', { files: ['a'] }],
    ['recover an increment without the names of files', { mode: 'increment' }],
    ['show beforehand what it would do', { mode: 'increment', files: ['a'], plan: true }],
    ['compare a recover with its plan', { mode: 'increment', files: ['a'], planHash: 'a'.repeat(96) }],
    ['copy in place if renames are refused', { onRefusedRename: 'in-place' }],
    ['run the hooks pre_recover and post_recover of the volume', { hooks: { volume: '/v', containers: [] } }],
    ['recover into a new folder', { elsewhere: true }],
    ['pick a snapshot', { mode: 'increment', files: ['a'], snapshot: 'abcd' }],
    ['recover a backup of 10.0.0.9', { namespace: '10.0.0.9' }],
  ] as const)('that cannot %s is not asked to, because it would do something else', async (what, wish) => {
    const body = {
      crond_status: 'started',
      running_tasks: 0,
      startTime: NEVER,
      updateTime: NEVER,
      capabilities: ['news'],
      version: '0.9.1',
    }
    const { daemon, client } = await daemonThatSays({ body })
    const request = { ...recoverRequest, ...wish } as RecoverRequest
    await expect(client.recover(IP, request)).rejects.toMatchObject({
      code: 'DAEMON_REFUSED',
      message: expect.stringContaining(
        `The daemon on ${IP} (version 0.9.1) cannot ${what}. Nothing was done`,
      ),
    })
    expect(daemon.seen.map(({ method }) => method)).toEqual(['GET'])
  })
})

test('a daemon that cannot verify backups is not asked to', async () => {
  const body = { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER }
  const { daemon, client } = await daemonThatSays({ body: { ...body, capabilities: ['news'] } })
  const args = { app: 'shop', proc: 'shop.web.web', backup: 'b', namespace: IP }
  await expect(client.verify(IP, { rid: 'r', ...args })).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
    message: expect.stringContaining('cannot verify backups. Nothing was done'),
  })
  expect(daemon.seen.map(({ method }) => method)).toEqual(['GET'])
})

test('a daemon that keeps no logs is not asked for one', async () => {
  const body = { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER }
  const { daemon, client } = await daemonThatSays({ body: { ...body, capabilities: ['news'] } })
  await expect(client.log(IP, 'r', { after: 0, limit: 10 })).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
    message: expect.stringContaining('cannot show the log of a run'),
  })
  expect(daemon.seen).toHaveLength(1)
})

test('lines of a log that are out of bounds are left out, the rest is shown', async () => {
  const at = '2026-11-23T09:00:00.000Z'
  const line = { number: 1, at, level: 'odd', text: 'a\u001b[2J' }
  const lines = [line, { ...line, number: 2 ** 40 }, { ...line, at: 'soon' }, { ...line, text: 7 }, null]
  const debug = { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER }
  const { client } = await daemonThatSays({ body: { ...debug, capabilities: ['log'], lines, next: 1 } })
  expect(await client.log(IP, 'r', { after: 0, limit: 10 })).toMatchObject({
    lines: [{ number: 1, level: 'info', text: 'a\\x1b[2J' }],
    next: 1,
    setAside: { length: 4 },
  })
})

describe('refusals', () => {
  test.each<[string, ScriptedAnswer, string, string]>([
    [
      'a code of ours, with its words',
      { status: 409, body: 'busy: wait', headers: { 'x-backupd-error-code': 'CONFLICT' } },
      'CONFLICT',
      'busy: wait',
    ],
    [
      'a code nobody knows',
      { status: 500, body: 'odd', headers: { 'x-backupd-error-code': 'constructor' } },
      'DAEMON_REFUSED',
      'refused PUT /api/v1/cron/start with status 500: odd',
    ],
    [
      'the unknown job of a legacy daemon',
      { status: 400, body: 'Unvalid Argument: Job not found with id="xx"' },
      'NOT_FOUND',
      'Job not found',
    ],
    [
      'another program',
      { status: 502, body: '<html>', headers: { 'content-type': 'text/html' } },
      'DAEMON_REFUSED',
      'status 502: <html>',
    ],
    [
      'a redirect',
      { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      'DAEMON_REFUSED',
      'status 302: no text',
    ],
  ])('%s', async (_, answer, code, message) => {
    const { client } = await daemonThatSays(answer)
    await expect(client.startScheduler(IP)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  test.each<[string, ScriptedAnswer]>([
    ['not JSON', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['another shape', { body: { hello: 'world' } }],
  ])('an answer that is %s names the daemon and the request', async (_, answer) => {
    const { client } = await daemonThatSays(answer)
    await expect(client.debug(IP)).rejects.toMatchObject({
      code: 'DAEMON_REFUSED',
      message: expect.stringContaining(
        `The daemon on ${IP} sent an unexpected answer: the answer to GET /api/v1/debug is not`,
      ),
    })
  })
})

test('a text that is not Unicode is refused, and costs no connection', async () => {
  const { daemon, client } = await daemonThatSays({ body: { files: [], next: null } })
  const asked = { namespace: IP, name: 'b', path: '', after: null, limit: 9 }
  for (let n = 0; n < 20; n++) {
    await expect(client.ask(IP, 'files', { ...asked, path: 'a\ud800' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    await expect(client.ask(IP, 'files', { ...asked, name: '\udc00' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    await expect(client.deleteBackups(IP, IP, ['\ud800'])).rejects.toMatchObject({ code: 'BAD_INPUT' })
  }
  expect(await client.ask(IP, 'files', asked)).toEqual({ files: [], next: null })
  expect(daemon.seen).toHaveLength(1)
})

describe('an unreachable daemon', () => {
  test('does not listen', async () => {
    const daemon = await scriptedDaemon(() => ({}))
    await daemon.close()
    await expect(clientOf(daemon.url).debug(IP)).rejects.toMatchObject({
      code: 'DAEMON_UNREACHABLE',
      message: expect.stringContaining(
        `Cannot reach the daemon on ${IP} at ${daemon.url}: connect ECONNREFUSED`,
      ),
      facts: { server: IP, address: daemon.url },
    })
  })

  test('hangs up', async () => {
    const daemon = await scriptedDaemon((_, response) => void response.destroy())
    await expect(clientOf(daemon.url).startScheduler(IP)).rejects.toMatchObject({
      code: 'DAEMON_UNREACHABLE',
    })
    expect(daemon.seen).toHaveLength(1)
  })

  test('was restarted between two requests: a new connection is opened', async () => {
    let alive = true
    const answer = {
      body: { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER },
    }
    const daemon = await scriptedDaemon((_, response) => (alive ? answer : void response.destroy()))
    const client = clientOf(daemon.url)
    await client.debug(IP)
    alive = false
    daemon.server.once('request', () => {
      alive = true
    })
    expect(await client.debug(IP)).toEqual(answer.body)
  })

  test('answers endlessly', async () => {
    const daemon = await scriptedDaemon((_, response) => {
      const chunk = Buffer.alloc(1 << 20, 0x20)
      const more = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
      return undefined
    })
    await expect(clientOf(daemon.url).debug(IP)).rejects.toThrow('its answer is larger than')
  })

  test('never answers: the request times out', async () => {
    const mute = createServer(() => {})
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void mute.close())
    const { port } = mute.address() as { port: number }
    await expect(clientOf(`http://127.0.0.1:${port}`, 300).debug(IP)).rejects.toMatchObject({
      code: 'DAEMON_UNREACHABLE',
      message: expect.stringContaining('no answer within 0.3 s'),
    })
  })

  test('is not unreachable while our own event loop is blocked', async () => {
    const daemon = await scriptedDaemon(() => {
      setTimeout(blockLoop, 5, 1500)
      return { body: DEBUG }
    })
    const client = clientOf(daemon.url, 200)
    await client.debug(IP)
    const asked = client.debug(IP)
    blockLoop(1500)
    expect(await asked).toMatchObject({ crond_status: 'started' })
  })
})

const DEBUG = { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER }

function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('a legacy daemon', () => {
  const legacy = async () => clientOf((await legacyDaemon()).url)

  test('is recognized by its debug answer', async () => {
    const debug = await (await legacy()).debug(IP)
    expect(debug).toMatchObject({ crond_status: 'stopped', updateTime: '2026-11-23T09:24:06.796190297Z' })
    expect(debug.protocol).toBeUndefined()
  })

  test('lists its jobs, runs them under its own rid, and knows no record', async () => {
    const client = await legacy()
    const jobs = await client.jobs(IP)
    expect(jobs.map(({ job }) => job.action)).toEqual(['backup_expire', 'backup', 'backup', 'backup'])
    const job = '0a4d000bffffffffffffffffffffffffffffffff'
    expect(await client.runJob(IP, job, { rid: ridOf(1), reread: false })).toBe(
      '179542584894707f03f22cefb31f63e65ad7ff0176',
    )
    expect(await client.record(IP, ridOf(1))).toBeUndefined()
    await client.sleepJob(IP, job)
    await client.setJobs(IP, [], senderOf('v2'))
    await client.setNotify(IP, 'http://c/x')
  })

  test('cannot cancel, and says so', async () => {
    await expect((await legacy()).cancel(IP, ridOf(1))).rejects.toMatchObject({
      code: 'DAEMON_REFUSED',
      message: expect.stringContaining('is a legacy one, which cannot cancel a run'),
    })
  })

  test('lists its backups in its own namespace only, with app and proc from their names', async () => {
    const client = await legacy()
    expect(await collect(client.backups(IP, IP))).toMatchObject([
      {
        name: 'hello-hello.web.web-1-data-db-1795425846.tar.gz',
        app: 'hello',
        proc: 'hello.web.web',
        volume: '/data/db',
        instanceNo: 1,
        server: IP,
        size: 342,
        sequence: 0,
        state: 'success',
      },
      { name: 'hello-hello.web.web-1-data-db-1795425848.tar.gz' },
    ])
    await expect(collect(client.backups(IP, '10.77.0.12'))).rejects.toThrow('in its own namespace only')
    await expect(client.deleteBackups(IP, '10.77.0.12', ['a'])).rejects.toThrow('in its own namespace only')
  })

  test('is not asked to recover a backup of another server, because that fails there', async () => {
    const daemon = await legacyDaemon()
    const request = { ...recoverRequest, namespace: '10.77.0.12' }
    await expect(clientOf(daemon.url).recover(IP, request)).rejects.toMatchObject({
      code: 'DAEMON_REFUSED',
      message: expect.stringContaining('cannot recover a backup of 10.77.0.12. Nothing was done'),
    })
    expect(daemon.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/debug'])
  })

  test('is not asked for a run that reads every file, because it would ignore that', async () => {
    const daemon = await legacyDaemon()
    const wish = { rid: ridOf(1), reread: true }
    await expect(clientOf(daemon.url).runJob(IP, 'j', wish)).rejects.toMatchObject({
      code: 'DAEMON_REFUSED',
      message: expect.stringContaining('cannot read every file again. Nothing was done'),
    })
    expect(daemon.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/debug'])
  })

  test('lists the folders of an increment', async () => {
    const folder = [
      { name: 'time.log', size: 6, mod_time: '2026-11-23T09:24:02Z', dir: false },
      { name: 'sub', size: 300, mod_time: '2026-11-23T09:24:04Z', dir: true },
    ]
    const daemon = await scriptedDaemon(({ path }) =>
      path === '/api/v1/backup/filelist/dir/mirror/in'
        ? { body: folder }
        : { status: 404, body: { msg: '404 not found' } },
    )
    const request = { namespace: IP, name: 'mirror', path: 'in', after: null, limit: 1 }
    const first = await clientOf(daemon.url).ask(IP, 'files', request)
    expect(first).toMatchObject({ files: [{ path: 'in/sub', type: 'directory' }], next: 'in/sub' })
    const second = await clientOf(daemon.url).ask(IP, 'files', { ...request, after: 'in/sub' })
    expect(second).toMatchObject({ files: [{ path: 'in/time.log', type: 'file', size: 6 }], next: null })
  })
})
