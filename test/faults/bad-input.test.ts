/**
 * What a user gets for input that is bad, through a running controller and daemon. Where each row is tested:
 *
 * | input | tests |
 * |---|---|
 * | unknown id of a job, of a record to cancel, of a server to stop | server/errors |
 * | unknown id of a record, backup, server, app, instance | here |
 * | malformed inventory | fleet/read-inventory (line and column), fleet/inventory-file, process/standalone (at start); the edit of a running one: here |
 * | spec that is nonsense | engine/spec, fleet/read-inventory; from another controller: here |
 * | volume that is missing, empty, not a directory | engine/plugins/backup; to the user: here |
 * | store full, read-only | store/full-store; to the user: here |
 * | archive truncated, with a flipped byte | archive/unpack-damaged (every position); to the user: faults/archives |
 * | archive with `../`, absolute names, links that lead out | archive/unpack-hostile (each way); to the user: faults/archives |
 * | names with newlines, quotes, bytes that are not UTF-8 | archive/unpack-own; listed, walked and recovered: faults/archives |
 * | two recovers of one volume at once | engine/plugins/backup_recover; to the user: here |
 * | bodies that are huge, or not what they say | server/guards, server/news-route, daemon/routes; without a length, compressed, cut off: faults/bodies |
 * | killed in the middle | faults/kill |
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createInventoryFile } from '../../src/fleet/inventory-file.ts'
import { ERROR_CODES } from '../../src/lib/error-codes.ts'
import { runBackedUpVolume } from '../support/backed-up-volume.ts'
import { given } from '../support/given.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { askGraphQL, startTestController, startTestDaemon, testFolder } from '../support/real-controller.ts'
import { contentOf } from '../support/swap-content.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

const hello = given.app('hello').proc('web').volume('/data/db')

describe('an unknown id', () => {
  test('is null in queries, and mutations refuse it without a trace', async () => {
    const { url, ask, objects, volume } = await runBackedUpVolume()
    const nothing = `{ record(rid: "7") { rid } backup(app: "hello", proc: "web", name: "x-1700000000.tar.gz") { id }
      server(ip: "10.9.9.9") { ip } app(name: "nope") { name } job(id: "nope") { id } }`
    expect(await ask(nothing)).toEqual({ record: null, backup: null, server: null, app: null, job: null })

    const [records, before, files] = [await ask('{ records { totalCount } }'), contentOf(volume), objects()]
    const name = objects()[0] ?? ''
    const missing = 'hello-hello.web.web-1-data-db-1700000000.tar.gz'
    const recover = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'
    const migrate = 'mutation ($input: MigrateInput!) { migrate(input: $input) { rid } }'
    const remove =
      'mutation ($app: ID!, $proc: ID!, $names: [ID!]!) { deleteBackups(app: $app, proc: $proc, names: $names) }'
    const of = { app: 'hello', proc: 'web' }
    const refusals: [query: string, variables: object, code: keyof typeof ERROR_CODES, message: string][] = [
      [recover, { input: { ...of, backup: missing } }, 'NOT_FOUND', `There is no backup "${missing}" of web`],
      [
        recover,
        { input: { ...of, proc: 'db', backup: name } },
        'NOT_FOUND',
        `There is no backup "${name}" of db`,
      ],
      [recover, { input: { ...of, app: 'nope', backup: name } }, 'NOT_FOUND', 'of web of nope'],
      [recover, { input: { ...of, server: '10.9.9.9', backup: name } }, 'NOT_FOUND', 'There is no backup'],
      [
        migrate,
        { input: { ...of, backup: name, to: 9, volume: '/data/db' } },
        'NOT_FOUND',
        'The inventory has no instance 9 of hello.web.web with a volume /data/db',
      ],
      [remove, { ...of, names: [name, missing] }, 'NOT_FOUND', `There is no backup "${missing}"`],
      [
        remove,
        { ...of, names: [name, '../.meta'] },
        'BAD_INPUT',
        '"../.meta" is not the name of a backup; nothing was deleted',
      ],
      [remove, { ...of, names: ['other-x-1-1700000000.tar.gz'] }, 'FORBIDDEN', 'nothing was deleted'],
    ]
    for (const [query, variables, code, message] of refusals) {
      expect((await askGraphQL(url, query, variables)).errors, message).toMatchObject([
        { message: expect.stringContaining(message), extensions: { code, action: ERROR_CODES[code] } },
      ])
    }
    expect(await ask('{ records { totalCount } }')).toEqual(records)
    expect(contentOf(volume)).toEqual(before)
    expect(objects()).toEqual(files)
  })
})

describe('an inventory', () => {
  /** A controller that watches a file, and the daemon of its one server. */
  async function watchedInventory() {
    const folder = await testFolder()
    const path = join(folder, 'inventory.yaml')
    const write = (spec: string) =>
      writeFileSync(
        path,
        `apps:\n  shop:\n    web:\n      on: [127.0.0.1]\n      volumes:\n        /data/db:\n          backup_full: { schedule: "${spec}", expire: 30d }\n`,
      )
    write('0 5 * * *')
    const daemon = await startTestDaemon(folder)
    const inventory = createInventoryFile({ file: path, localIp: '127.0.0.1', log: keepingLog() })
    const { url } = await startTestController({ folder, inventory, daemonUrls: { '127.0.0.1': daemon.url } })
    const look = async () =>
      (await askGraphQL(url, '{ inventory { problem } jobs(filter: { action: "backup" }) { spec problem } }'))
        .data
    return { path, write, look }
  }

  test('with a broken edit shows the problem with its line, and all jobs stay', async () => {
    const { path, write, look } = await watchedInventory()
    const jobs = [{ spec: '0 5 * * *', problem: null }]
    expect(await look()).toEqual({ inventory: { problem: null }, jobs })
    for (const [edit, problem] of [
      ['apps:\n\tshop: {', /inventory\.yaml cannot be used: line 2, column 1: /],
      [
        'apps: { shop: { web: { on: [127.0.0.1], volumes: [../db] } } }',
        /line 1, column 51: the volume "\.\.\/db" must/,
      ],
      ['\0\xff\xfe', /inventory\.yaml cannot be used: /],
    ] as const) {
      writeFileSync(path, edit, 'latin1')
      await expect
        .poll(look, { timeout: 30_000 })
        .toEqual({ inventory: { problem: expect.stringMatching(problem) }, jobs })
    }
    write('*/0 * * * *')
    const nonsense = expect.stringMatching(/line 7, column \d+: "\*\/0 \* \* \* \*" is not a schedule/)
    await expect.poll(look, { timeout: 30_000 }).toEqual({ inventory: { problem: nonsense }, jobs })
    write('0 6 * * *')
    await expect
      .poll(look, { timeout: 30_000 })
      .toEqual({ inventory: { problem: null }, jobs: [{ spec: '0 6 * * *', problem: null }] })
  })
})

test('jobs with an invalid spec from a legacy controller are dropped by name, and the others accepted', async () => {
  const daemon = await startTestDaemon(await testFolder())
  const job = (id: string, spec: string) => ({
    id,
    spec,
    action: 'test',
    args: {},
    type: 'cron',
    sleep: false,
  })
  const nonsense = [
    '',
    '* * * *',
    '61 * * * * *',
    '*/0 * * * *',
    '0 0 31 2 *',
    'TZ=Moon/Sea @daily',
    '@every -1h',
    '🕐',
  ]
  const list = [job('good', '0 3 * * *'), ...nonsense.map((spec, n) => job(`bad-${n}`, spec))]
  const answer = await fetch(`${daemon.url}/api/v1/cron/jobs`, {
    method: 'PUT',
    body: new URLSearchParams({ data: JSON.stringify(list), version: '1' }),
  })
  expect(answer.status).toBe(200)
  const jobs = (await (await fetch(`${daemon.url}/api/v1/cron/jobs`)).json()) as { job: { id: string } }[]
  expect(jobs.map((each) => each.job.id)).toEqual(['good'])
  for (const n of nonsense.keys()) {
    expect(daemon.log.lines).toContainEqual(
      expect.stringMatching(new RegExp(`^Job "bad-${n}" was dropped: .+`)),
    )
  }
})

describe('a volume', () => {
  test.each<[what: string, put: (volume: string) => void, words: string]>([
    ['missing', () => {}, 'does not exist: check its mount'],
    ['a file', (volume) => writeFileSync(volume, 'x'), 'is not a directory'],
    ['a link to nothing', (volume) => symlinkSync('nowhere', volume), 'does not lead to one'],
  ])('that is %s gives VOLUME_MISSING, and nothing in the store', async (_what, put, words) => {
    const world = await hello.running()
    rmdirSync(world.volume)
    put(world.volume)
    const { state, reason, error } = await world.backUp()
    expect(state).toBe('FAILED')
    expect(error).toMatchObject({ code: 'VOLUME_MISSING', action: ERROR_CODES.VOLUME_MISSING })
    expect(error?.message).toContain(`Cannot back up "${world.volume}": `)
    expect(error?.message).toContain(words)
    expect(reason).toBe(error?.message)
    expect(world.objects()).toEqual([])
    expect(await world.ask('{ backups { totalCount } }')).toEqual({ backups: { totalCount: 0 } })
  })

  test('that is a link to a forbidden place gives FORBIDDEN', async () => {
    const world = await hello.running()
    rmdirSync(world.volume)
    symlinkSync('/etc', world.volume)
    const { state, error } = await world.backUp()
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'FORBIDDEN' })
    expect(error?.message).toContain('leads through a symbolic link to "/etc"')
    expect(world.objects()).toEqual([])
  })

  test('that is suddenly empty gives PARTIAL and suspect, and the last good backup stays the one before', async () => {
    const world = await runBackedUpVolume()
    for (const name of readdirSync(world.volume)) rmSync(join(world.volume, name), { recursive: true })
    const { state, reason, error, result } = await world.backUp()
    expect({ state, error }).toEqual({ state: 'PARTIAL', error: null })
    expect(reason).toBe(`the volume is empty, unlike the backup ${world.name}`)
    expect(result?.backup).toMatchObject({ good: false, suspect: reason })
    expect(await world.lastGood()).toBe(world.name)

    expect(await world.recover(world.name)).toMatchObject({ state: 'SUCCESS' })
    expect(readdirSync(world.volume).sort()).toEqual(['a.txt', 'sub'])
    world.expectNothingLeft()
  })

  test('that is missing is created by a recover, and one that is a file stays', async () => {
    const world = await runBackedUpVolume()
    rmSync(world.volume, { recursive: true })
    writeFileSync(world.volume, 'I am a file')
    const refused = await world.recover(world.name)
    expect(refused).toMatchObject({ state: 'FAILED', error: { code: 'VOLUME_MISSING' } })
    expect(refused.error?.message).toContain('is not a directory')
    expect(readFileSync(world.volume, 'utf8')).toBe('I am a file')

    rmSync(world.volume)
    const { state, warnings } = await world.recover(world.name)
    expect(state).toBe('SUCCESS')
    expect(warnings).toContain(`the volume "${world.volume}" did not exist and is created`)
    expect(readFileSync(join(world.volume, 'a.txt'), 'utf8')).toBe('first words')
    world.expectNothingLeft()
  })
})

describe.skipIf(!canMount)('a store (needs mounts)', () => {
  test('that is full gives STORE_FULL and keeps no bytes, and its backups stay recoverable', async () => {
    const world = await hello.running({
      prepare: ({ store }) => onTestFinished(mountTmpfs(store, 'size=3m')),
    })
    writeFileSync(`${world.volume}/small`, 'small')
    const first = await world.backUp()
    expect(first.state).toBe('SUCCESS')
    const before = world.objects()
    execFileSync('dd', ['if=/dev/urandom', `of=${world.volume}/large`, 'bs=1M', 'count=6'], { stdio: 'pipe' })

    const { state, error, result } = await world.backUp()
    expect({ state, result }).toEqual({ state: 'FAILED', result: null })
    expect(error).toMatchObject({
      code: 'STORE_FULL',
      facts: { step: 'pack' },
      action: ERROR_CODES.STORE_FULL,
    })
    expect(error?.message).toContain('the store is full. Free room in it or shorten a retention time')
    expect(world.objects()).toEqual(before)
    expect(await world.lastGood()).toBe(first.result?.file)
    expect(await world.recover(first.result?.file ?? '')).toMatchObject({ state: 'SUCCESS' })
    expect(readdirSync(world.volume)).toEqual(['small'])
    expect((await world.backUp()).state).toBe('SUCCESS')
    world.expectNothingLeft()
  })

  test('that is read-only refuses backups and deletes, and a recover works', async () => {
    const world = await hello.running({ prepare: ({ store }) => onTestFinished(mountTmpfs(store)) })
    const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, join(world.store, '..')])
    writeFileSync(`${world.volume}/file`, 'as it was')
    const name = (await world.backUp()).result?.file ?? ''
    const before = world.objects()
    remount('ro')
    writeFileSync(`${world.volume}/file`, 'damaged')

    const { state, error } = await world.backUp()
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'STORE_UNAVAILABLE' })
    expect(error?.message).toContain('it is read-only. Check its mount and its permissions')
    const remove = `mutation ($names: [ID!]!, $planHash: String) {
      deleteBackups(app: "hello", proc: "web", names: $names, planHash: $planHash)
    }`
    const plan =
      'query ($names: [ID!]!) { plan: deleteBackupsPlan(app: "hello", proc: "web", names: $names) { planHash } }'
    const { planHash } = (await world.ask<{ plan: { planHash: string } }>(plan, { names: [name] })).plan
    const { errors } = await askGraphQL(world.url, remove, { names: [name], planHash })
    expect(errors).toMatchObject([
      { message: expect.stringContaining('it is read-only'), extensions: { code: 'STORE_UNAVAILABLE' } },
    ])
    expect(await world.ask('{ backups { nodes { name good } } }')).toEqual({
      backups: { nodes: [{ name, good: true }] },
    })
    expect(await world.recover(name)).toMatchObject({ state: 'SUCCESS', error: null })
    expect(readFileSync(`${world.volume}/file`, 'utf8')).toBe('as it was')
    expect(world.objects()).toEqual(before)
    world.expectNothingLeft()
    remount('rw')
    expect((await world.backUp()).state).toBe('SUCCESS')
  })

  test('that is not mounted gets no data, and no backup is forgotten', async () => {
    let unmount = () => {}
    const world = await hello.running({
      prepare({ store }) {
        unmount = mountTmpfs(store)
        onTestFinished(unmount)
      },
    })
    writeFileSync(`${world.volume}/file`, 'as it was')
    const name = (await world.backUp()).result?.file ?? ''
    unmount()
    const { state, error } = await world.backUp()
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'STORE_CHANGED' })
    expect(error?.message).toContain('Mount that store')
    expect(existsSync(world.store)).toBe(false)
    expect(await world.ask('mutation { rebuildCatalog { namespaces { removed error } } }')).toEqual({
      rebuildCatalog: {
        namespaces: [{ removed: 0, error: expect.stringContaining('Mount that store') }],
      },
    })
    expect(await world.lastGood()).toBe(name)
  })
})

test('one of two simultaneous recovers of a volume is refused by name, and the volume has one content', async () => {
  const world = await runBackedUpVolume()
  const answers = await Promise.all([world.askRecover(world.name), world.askRecover(world.name)])
  const taken = answers.flatMap(({ data }) => (data ? [data.recover.rid] : []))
  const refused = answers.flatMap(({ errors }) => errors ?? [])
  expect(taken).toHaveLength(1)
  expect(refused).toMatchObject([
    {
      message: expect.stringMatching(
        new RegExp(`^The recover of ".*" into ".*/data/db" is already (queued|running) as ${taken[0]}`),
      ),
      extensions: { code: 'CONFLICT', action: ERROR_CODES.CONFLICT },
    },
  ])
  expect(await world.ended(taken[0] ?? '')).toMatchObject({ state: 'SUCCESS' })
  expect(readdirSync(world.volume).sort()).toEqual(['a.txt', 'sub'])
  expect(readFileSync(`${world.volume}/a.txt`, 'utf8')).toBe('first words')
  world.expectNothingLeft()
  const { records } = await world.ask<{ records: { nodes: object[] } }>(
    '{ records(filter: { states: [FAILED] }) { nodes { action error { code } } } }',
  )
  expect(records.nodes).toEqual([{ action: 'backup_recover', error: { code: 'CONFLICT' } }])
})
