import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { askGraphQL, testFolder } from '../support/real-controller.ts'

const LONG = { timeout: 60_000 }
const shop = given.app('shop').proc('web').volume('/data/db').files({ file: 'content' }).withBackups(1)

const RECOVER = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'
const RECORD = `query ($rid: ID!) { record(rid: $rid) {
  action state reason volume server { ip } args result { directory filesRestored bytesRestored } error { code message } } }`

interface Shown {
  action: string
  state: string
  reason: string | null
  server: { ip: string }
  result: { directory: string; filesRestored: number; bytesRestored: number } | null
  error: { code: string; message: string } | null
}

async function start(options: { recoverDir?: string } = {}) {
  const recoverDir = await testFolder()
  const running = await shop.running({ recoverDir, ...options })
  const input = { app: 'shop', proc: 'web', backup: running.backups[0] }
  const request = (more: object) =>
    askGraphQL<{ recover: { rid: string } }>(running.url, RECOVER, { input: { ...input, ...more } })
  const recoverTo = async (toDirectory: string, more: object = {}): Promise<Shown> => {
    const { data, errors } = await request({ toDirectory, ...more })
    if (!data) throw new Error(JSON.stringify(errors))
    await running.ended(data.recover.rid)
    return (await running.ask<{ record: Shown }>(RECORD, { rid: data.recover.rid })).record
  }
  return { ...running, recoverDir, request, recoverTo }
}

test(
  'the record says where the files are, and the volume can be used and backed up meanwhile',
  LONG,
  async () => {
    const { recoverTo, recoverDir, volume, backUp, expectNothingLeft } = await start()
    chmodSync(volume, 0o710)
    const before = statSync(volume, { bigint: true })
    const to = join(recoverDir, 'db')
    const [record, backup] = await Promise.all([recoverTo(to), backUp()])
    expect(record).toMatchObject({
      action: 'backup_recover_elsewhere',
      state: 'SUCCESS',
      reason: null,
      server: { ip: '127.0.0.1' },
      result: { directory: to, filesRestored: 1, bytesRestored: 7 },
    })
    expect(backup.state).toBe('SUCCESS')
    expect(readFileSync(join(to, 'file'), 'utf8')).toBe('content')
    expect(statSync(volume, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs })
    expectNothingLeft()
  },
)

test(
  'of two recovers into the same folder one wins, the other is refused, and a third finds it there',
  LONG,
  async () => {
    const { request, recoverTo, ended, recoverDir, backUp } = await start()
    const other = (await backUp()).result?.file
    const toDirectory = join(recoverDir, 'db')
    const both = await Promise.all([request({ toDirectory }), request({ toDirectory, backup: other })])
    const started = both.flatMap(({ data }) => data?.recover?.rid ?? [])
    const refused = both.flatMap(({ errors }) => errors?.[0]?.extensions.code ?? [])
    expect(started).toHaveLength(1)
    expect(refused).toEqual(['CONFLICT'])
    expect((await ended(started[0] ?? '')).state).toBe('SUCCESS')
    const third = await recoverTo(toDirectory)
    expect(third).toMatchObject({ state: 'FAILED', error: { code: 'CONFLICT' } })
    expect(third.reason).toContain(`"${toDirectory}" already exists`)
    expect(readdirSync(recoverDir)).toEqual(['db'])
  },
)

test('a path that leads elsewhere is refused before a run starts', LONG, async () => {
  const { request, recoverDir, ask } = await start()
  const wrong = [
    '',
    'db',
    `${recoverDir}/../x`,
    `${recoverDir}/a\0b`,
    `${recoverDir}/\\xff`,
    `/${'x'.repeat(5000)}`,
  ]
  for (const toDirectory of wrong) {
    const { errors } = await request({ toDirectory })
    expect(errors?.[0]?.extensions.code, toDirectory.slice(0, 50)).toBe('BAD_INPUT')
  }
  const db = join(recoverDir, 'db')
  const refusals = [
    [{ toDirectory: db, plan: true }, 'BAD_INPUT'],
    [{ toDirectory: db, onRefusedRename: 'IN_PLACE' }, 'BAD_INPUT'],
    [{ toDirectory: db, toServer: '10.9.9.9' }, 'NOT_FOUND'],
    [{ toServer: '127.0.0.1' }, 'BAD_INPUT'],
  ] as const
  for (const [more, code] of refusals) {
    const { errors } = await request(more)
    expect(errors?.[0]?.extensions.code, JSON.stringify(more)).toBe(code)
  }
  expect(readdirSync(recoverDir)).toEqual([])
  const { records } = await ask<{ records: { totalCount: number } }>(
    '{ records(filter: { action: "backup_recover_elsewhere" }) { totalCount } }',
  )
  expect(records.totalCount).toBe(0)
})

test('a daemon whose operator did not name a directory for it refuses', LONG, async () => {
  const folder: string = await testFolder()
  const { backups, url, ended, ask } = await shop.running()
  const input = { app: 'shop', proc: 'web', backup: backups[0], toDirectory: join(folder, 'db') }
  const { data } = await askGraphQL<{ recover: { rid: string } }>(url, RECOVER, { input })
  await ended(data?.recover.rid ?? '')
  const rid = data?.recover.rid
  const { record } = await ask<{ record: Shown }>(RECORD, { rid })
  expect(record).toMatchObject({ state: 'FAILED', error: { code: 'FORBIDDEN' } })
  expect(record.reason).toContain('start it with --recover-dir DIR')
  expect(readdirSync(folder)).toEqual([])
})
