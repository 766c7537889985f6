import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import {
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'

const [SERVER, DEAD] = ['127.0.0.1', '10.0.0.9'] as const

/** A store with one backup of a server that is dead, a daemon on it, and a controller that knows of that daemon. */
async function start() {
  const folder = await testFolder()
  const namespace = join(folder, 'store', DEAD)
  const name = 'hello-hello.web.web-1-data-db-1795425846.tar.gz'
  mkdirSync(namespace, { recursive: true })
  writeFileSync(join(namespace, name), 'an archive')
  writeRecordedMeta(namespace, [recordedEntity({ name, source: '/data/db', server: DEAD })])
  const daemon = await startTestDaemon(folder, SERVER)
  const inventory = toldInventory(given.app('hello').proc('web').on(SERVER).volume('/data/db').inventory())
  const { url } = await startTestController({ folder, inventory, daemonUrls: { [SERVER]: daemon.url } })
  const rebuild = (...flags: string[]) => runQuietly('catalog', 'rebuild', '--url', url, ...flags)
  await expect
    .poll(async () => (await rebuild('--dry-run')).out, { timeout: 30_000 })
    .toContain(`${DEAD}       1`)
  return { folder, namespace, rebuild }
}

test('an answer of a controller cannot move the cursor, in a table or an error', async () => {
  const hostile = 'x\u009b2J\u001b]0;y\u0007\u202e'
  const namespaces = [
    {
      ip: hostile,
      error: hostile,
      added: 0,
      updated: 0,
      removed: 0,
      unchanged: 0,
      unknown: { count: 1, names: [hostile] },
    },
  ]
  const errors = [{ message: hostile, extensions: { code: hostile } }]
  const answers = [{ data: { rebuildCatalog: { dryRun: false, namespaces } } }, { errors }]
  for (const body of answers) {
    const { url } = await scriptedDaemon(() => ({ body }))
    for (const flags of [[], ['--json']]) {
      const { code, out, err } = await runQuietly('catalog', 'rebuild', '--url', url, ...flags)
      expect(code).toBe(1)
      expect(out + err).toContain('x\\u009b2J')
      expect((out + err).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    }
  }
})

test('catalog rebuild counts first, then writes; it reads a dead server too, and names unknown objects', async () => {
  const { namespace, rebuild } = await start()
  writeFileSync(join(namespace, 'stranger\u001b[2J'), '')
  const counted = await rebuild('--dry-run')
  expect(counted).toMatchObject({ code: 0, err: '' })
  expect(counted.out.split('\n')).toEqual([
    'namespace  added  updated  removed  unchanged  unknown',
    '127.0.0.1      0        0        0          0        0',
    '10.0.0.9       1        0        0          0        1',
    '10.0.0.9: unknown, and left alone: "stranger\\\\x1b[2J"',
    'Changes were only counted.',
    '',
  ])
  expect((await rebuild()).out).toContain('10.0.0.9       1')
  const again = JSON.parse((await rebuild('--json')).out)
  expect(again).toMatchObject({
    dryRun: false,
    namespaces: [{ unchanged: 0 }, { ip: DEAD, added: 0, unchanged: 1 }],
  })
})

test('a dead server whose folder was removed stays in the catalog until --forget', async () => {
  const { namespace, rebuild } = await start()
  await rebuild()
  const early = await rebuild('--forget', DEAD)
  expect(early).toMatchObject({
    code: 1,
    out: expect.stringContaining('can read 10.0.0.9, so the catalog keeps'),
  })
  expect(early.out).toMatch(/^10\.0\.0\.9 +0 +0 +0 +1 /m)
  rmSync(namespace, { recursive: true })
  const unread = await rebuild()
  expect(unread).toMatchObject({ code: 1, out: expect.stringContaining(`catalog rebuild --forget ${DEAD}`) })
  expect(unread.out).toMatch(/^10\.0\.0\.9 +0 +0 +0 +0 /m)
  expect((await rebuild('--dry-run', '--forget', DEAD)).out).toMatch(/^10\.0\.0\.9 +0 +0 +1 +0 /m)
  const forgotten = await rebuild('--forget', DEAD)
  expect([forgotten.code, forgotten.err]).toEqual([0, ''])
  expect(forgotten.out).toMatch(/^10\.0\.0\.9 +0 +0 +1 +0 /m)
  const after = await rebuild()
  expect([after.code, after.out]).toEqual([0, expect.not.stringContaining(DEAD)])
  expect(await rebuild('--forget', DEAD)).toMatchObject({
    code: 1,
    err: expect.stringContaining('no backups of 10.0.0.9'),
  })
  expect(await rebuild('--forget', SERVER)).toMatchObject({
    code: 1,
    err: expect.stringContaining('127.0.0.1 is in the inventory'),
  })
})

test('nothing is forgotten while the store is unmounted or another directory lies in its place', async () => {
  const { folder, rebuild } = await start()
  await rebuild()
  const store = join(folder, 'store')
  renameSync(store, `${store}-away`)
  expect(await rebuild('--forget', DEAD)).toMatchObject({ code: 1 })
  mkdirSync(store)
  const empty = await rebuild('--forget', DEAD)
  expect(empty).toMatchObject({ code: 1, out: expect.stringContaining('nothing of it was forgotten') })
  rmSync(store, { recursive: true })
  renameSync(`${store}-away`, store)
  const back = await rebuild()
  expect(back.out).toMatch(/^10\.0\.0\.9 +0 +0 +0 +1 /m)
})

test('an unreachable controller or an invalid address is one line and exit code 1', async () => {
  expect(await runQuietly('catalog', 'rebuild', '--url', 'http://127.0.0.1:1')).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /^backupd: The controller at http:\/\/127\.0\.0\.1:1 does not answer[^\n]*\n$/,
    ),
  })
  expect(await runQuietly('catalog', 'rebuild', '--url', 'localhost')).toMatchObject({
    code: 1,
    err: expect.stringContaining('write it as http://'),
  })
})

test('an unreadable namespace is named, with exit code 1', async () => {
  const folder = await testFolder()
  const inventory = toldInventory(given.app('hello').proc('web').on(SERVER).volume('/data/db').inventory())
  const { url } = await startTestController({ folder, inventory })
  const { code, out, err } = await runQuietly('catalog', 'rebuild', '--url', url)
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(/127\.0\.0\.1: Cannot reach the daemon on 127\.0\.0\.1/),
  ])
  expect(err).toBe('backupd: Not everything could be read: the catalog keeps what it had of 127.0.0.1\n')
})
