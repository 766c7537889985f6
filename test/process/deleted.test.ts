import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { fillFileSystem } from '../support/fill-store.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { ask, backUp, type Program, startStandalone } from '../support/standalone.ts'

let folder: string
let running: Program | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deleted-'))
  await mkdir(join(folder, 'volume'))
  await writeFile(join(folder, 'volume', 'file'), 'content')
})

afterEach(async () => {
  running?.process.kill('SIGKILL')
  await running?.ended
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

const OF = { app: 'shop', proc: 'web', server: '127.0.0.1' }
const V2 = '/api/v2/app/shop/proc/web/backups'

async function start(more: string[] = []) {
  const { program, url } = await startStandalone(folder, more)
  running = program
  await program.said(/\/graphql/)
  const read = 'query { backups { nodes { name good } } }'
  return {
    url,
    list: async () =>
      (await ask<{ backups: { nodes: { name: string }[] } }>(url, read)).backups.nodes.map(
        ({ name }) => name,
      ),
    remove: (name: string, now = false) =>
      deleteByPlan((query, variables) => ask(url, query, variables), { ...OF, names: [name], now }),
    removeByLegacyUrl: (name: string) =>
      fetch(new URL(`${V2}/actions/delete`, url), {
        method: 'POST',
        body: new URLSearchParams({ files: name }),
      }),
    deleted: (...argv: string[]) => runQuietly('deleted', ...argv, '--url', url),
    pieces: async (name: string, store = join(folder, 'data', 'store')) =>
      (await readdir(join(store, '127.0.0.1'))).filter((entry) => entry.startsWith(name)),
  }
}

test('a deleted backup outlives a kill and the catalog, and comes back', async () => {
  const first = await start()
  await backUp(first.url)
  const [name = ''] = await first.list()
  expect(await first.deleted('list')).toEqual({
    code: 0,
    err: '',
    out: 'No deleted backup can be restored.\n',
  })
  expect(await first.remove(name)).toEqual({ deleteBackups: [name] })
  expect(await first.list()).toEqual([])
  expect(await first.pieces(name)).toContain(`${name}.hidden`)

  running?.process.kill('SIGKILL')
  await running?.ended
  await rm(join(folder, 'data', 'controller'), { recursive: true, force: true })
  const second = await start()
  await expect.poll(async () => (await second.deleted('list')).out).toContain(`${name} on 127.0.0.1, `)
  // The daemon reports its run once more; when all its news is read, the store is listed again.
  await expect.poll(second.list, { timeout: 60_000 }).toEqual([])
  const listed = await second.deleted('list')
  expect(listed.out).toMatch(/\n {2}deleted by graphql .* at 20.*Z, kept until 20.*Z\n/)
  const [, command = ''] = /backupd deleted (restore .*)/.exec(listed.out) ?? []
  expect(await second.deleted(...command.split(' '))).toEqual({
    code: 0,
    err: '',
    out: `Restored: ${name}\n`,
  })
  await expect.poll(second.list).toEqual([name])
  expect(await second.pieces(name)).toHaveLength(3)
  expect(await second.deleted(...command.split(' '))).toMatchObject({
    code: 1,
    err: expect.stringContaining('it is not deleted'),
  })

  expect((await second.removeByLegacyUrl(name)).status).toBe(204)
  expect(await second.list()).toEqual([])
  expect(await (await fetch(new URL(V2, second.url))).text()).not.toContain(name)
  expect(await second.pieces(name)).toContain(`${name}.hidden`)
  expect(await second.remove(name, true)).toEqual({ deleteBackups: [name] })
  expect(await second.pieces(name)).toEqual([])
  expect(await second.deleted(...command.split(' '))).toMatchObject({
    code: 1,
    err: expect.stringContaining('its room is freed'),
  })
  const { audit } = await ask<{ audit: { nodes: { verb: string; outcome: string }[] } }>(
    second.url,
    '{ audit { nodes { verb outcome } } }',
  )
  expect(audit.nodes.map(({ verb, outcome }) => `${verb} ${outcome.slice(0, 6)}`)).toEqual(
    expect.arrayContaining(['restoreDeleted done', 'restoreDeleted failed', 'deleteBackups done']),
  )
})

itMounts('in a full store, a legacy URL deletes for good, and nothing else does', async () => {
  const { dir } = smallFileSystem(512)
  const { url, list, remove, removeByLegacyUrl, deleted, pieces } = await start(['--backup-local-dir', dir])
  await backUp(url)
  const [name = ''] = await list()
  const whole = await pieces(name, dir)
  fillFileSystem(dir)
  await expect(remove(name)).rejects.toThrow(/^STORE_FULL: .*"now: true"/)
  expect(await pieces(name, dir)).toEqual(whole)
  expect((await deleted('list')).out).toBe('No deleted backup can be restored.\n')
  expect((await removeByLegacyUrl(name)).status).toBe(204)
  expect(await pieces(name, dir)).toEqual([])
  expect(await list()).toEqual([])
})

const INCREMENTS = `apps:
  shop:
    web:
      on: [127.0.0.1]
      volumes:
        /data/db:
          path: VOLUME
          backup_increment: { schedule: "0 3 * * *", expire: 30d }
`
const SNAPSHOTS = `{ backups { nodes { name snapshotCount snapshots(first: 10) { id } } } }`
const DELETE_SNAPSHOT = `mutation ($name: ID!, $snapshots: [ID!]!, $planHash: String, $now: Boolean) {
  deleteSnapshots(app: "shop", proc: "web", backup: $name, snapshots: $snapshots, planHash: $planHash, now: $now)
}`
const PLAN_SNAPSHOT = `query ($name: ID!, $snapshots: [ID!]!) {
  deleteSnapshotsPlan(app: "shop", proc: "web", backup: $name, snapshots: $snapshots) {
    count kept bytes snapshots snapshotBytes neededBecause planHash
    items { name snapshot size good keptBecause } volumes { volume good deletedInHour left }
  }
}`

interface ReadSeries {
  backups: { nodes: { name: string; snapshotCount: number; snapshots: { id: string }[] }[] }
}

test('a deleted snapshot and a deleted increment come back', async () => {
  const file = join(folder, 'increments.yaml')
  await writeFile(file, INCREMENTS.replace('VOLUME', join(folder, 'volume')))
  const { url, list, remove, deleted } = await start(['--inventory', file])
  const read = async () => {
    const [series] = (await ask<ReadSeries>(url, SNAPSHOTS)).backups.nodes
    return series?.snapshots.map(({ id }) => id) ?? []
  }
  for (const content of ['one', 'two']) {
    await writeFile(join(folder, 'volume', 'file'), content)
    await backUp(url)
  }
  const [name = ''] = await list()
  const all = await read()
  const [, oldest = ''] = all
  const snapshot = { name, snapshots: [oldest] }
  const { deleteSnapshotsPlan: plan } = await ask<{ deleteSnapshotsPlan: { planHash: string } }>(
    url,
    PLAN_SNAPSHOT,
    snapshot,
  )
  expect(plan).toMatchObject({
    ...{ count: 1, kept: 0, bytes: 0, snapshots: 1, snapshotBytes: expect.any(Number) },
    items: [{ name, snapshot: oldest, size: 3, good: true, keptBecause: [] }],
    volumes: [{ volume: '/data/db', good: 2, deletedInHour: 0, left: 1 }],
    neededBecause: ['1 of the 2 good backups in all, more than a tenth'],
  })
  await expect(ask(url, DELETE_SNAPSHOT, snapshot)).rejects.toThrow(/^PLAN_NEEDED: .*deleteSnapshotsPlan/)
  expect(await ask(url, DELETE_SNAPSHOT, { ...snapshot, planHash: plan.planHash })).toEqual({
    deleteSnapshots: [oldest],
  })
  await expect.poll(read).toEqual([all[0]])
  const shown = await deleted('list')
  expect(shown.out).toMatch(`snapshot ${oldest.slice(0, 12)} of ${name} on 127.0.0.1, `)
  const [, command = ''] = /backupd deleted (restore .*)/.exec(shown.out) ?? []
  expect(await deleted(...command.split(' '))).toEqual({ code: 0, err: '', out: `Restored: ${name}\n` })
  await expect.poll(read).toEqual(all)

  expect(await remove(name)).toEqual({ deleteBackups: [name] })
  expect(await list()).toEqual([])
  const restore = ['restore', name, '--app', 'shop', '--proc', 'web', '--server', '127.0.0.1']
  expect(await deleted(...restore)).toEqual({ code: 0, err: '', out: `Restored: ${name}\n` })
  await expect.poll(read).toEqual(all)

  const { planHash } = plan
  await expect(ask(url, DELETE_SNAPSHOT, { ...snapshot, planHash, now: true })).rejects.toThrow(
    /^PLAN_STALE: .* it would now delete for good/,
  )
  await ask(url, DELETE_SNAPSHOT, { ...snapshot, planHash })
  expect(await ask(url, DELETE_SNAPSHOT, { ...snapshot, now: true })).toEqual({ deleteSnapshots: [oldest] })
  expect((await deleted('list')).out).toBe('No deleted backup can be restored.\n')
  await expect.poll(read).toEqual([all[0]])

  expect(await remove(name, true)).toEqual({ deleteBackups: [name] })
  expect((await deleted('list')).out).toBe('No deleted backup can be restored.\n')
})

test('the command line shows the plan of a delete, and deletes only with it', async () => {
  const { url, list, pieces } = await start()
  await backUp(url)
  await backUp(url)
  const [newer = '', older = ''] = await list()
  const run = (...argv: string[]) => runQuietly('delete', ...argv, '--url', url)
  const of = ['--app', 'shop', '--proc', 'web']
  const shown = await run(older, ...of)
  expect(shown).toMatchObject({ code: 0, err: '' })
  expect(shown.out).toContain(`${older} on 127.0.0.1, of 20`)
  expect(shown.out).toContain('1 of 2 good backups of /data/db of shop.web.web 1 on 127.0.0.1 are left\n')
  expect(await list()).toEqual([newer, older])
  const [, command = ''] = /backupd delete (.*)/.exec(shown.out) ?? []
  expect(await run(newer, ...command.split(' '))).toMatchObject({
    code: 1,
    err: expect.stringContaining(`it would now also delete "${newer}"`),
  })
  expect(await run(...command.split(' '))).toEqual({ code: 0, err: '', out: `Deleted: ${older}\n` })
  expect(await list()).toEqual([newer])

  await runQuietly('pin', 'add', newer, ...of, '--reason', 'case 4711', '--url', url)
  await expect.poll(async () => (await run(newer, ...of)).out).toMatch(/STAYS: .* case 4711\n/)
  expect(await run(newer, ...of, '--yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining('something stays'),
  })
  const { id } = JSON.parse((await runQuietly('pin', 'list', '--json', '--url', url)).out)[0].pins[0]
  await runQuietly('pin', 'release', newer, ...of, '--pin', id, '--url', url)
  await expect.poll(async () => (await run(newer, ...of)).out).toContain('would be deleted\n')
  const done = await run(newer, ...of, '--yes', '--now')
  expect(done).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`Deleted: ${newer}\n`) })
  expect(await pieces(newer)).toEqual([])
})
