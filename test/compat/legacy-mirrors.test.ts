import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LegacyRecord } from '../../src/wire/record.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { type NewsReceiver, startReceiver } from '../support/news-receiver.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'

/** What the legacy controller asks of a daemon of ours about mirrors that the legacy daemon made there. */
const IP = '10.77.0.11'
const OTHER = '10.77.0.12'
const NAME = 'hello-hello.web.web-1-data-files'

let dir: ReturnType<typeof temporaryDir>
let daemon: StartedDaemon
let receiver: NewsReceiver
let volume: string

async function leaveMirror(store: string, server: string, text: string): Promise<void> {
  const mirror = join(store, server, NAME)
  await mkdir(join(mirror, 'sub/deep'), { recursive: true })
  await writeFile(join(mirror, 'time.log'), text)
  await writeFile(join(mirror, 'sub/s.txt'), 's1\n')
  await writeFile(join(mirror, 'sub/deep/d.txt'), 'd1\n')
  const about = { mode: 'increment', name: NAME, volume: '/data/files', server, size: 0 } as const
  writeRecordedMeta(join(store, server), [recordedEntity({ ...about, source: volume })])
}

beforeAll(async () => {
  dir = temporaryDir()
  volume = join(dir.path, 'volumes/hello/hello.web.web/1/data/files')
  await mkdir(volume, { recursive: true })
  await leaveMirror(join(dir.path, 'store'), IP, 'time1\n')
  await leaveMirror(join(dir.path, 'store'), OTHER, 'time2\n')
  daemon = await startTestDaemon({ ip: IP }, dir.path)
  receiver = await startReceiver()
  const job = { id: 'files', spec: '0 23 * * *', action: 'backup', type: 'cron', sleep: false }
  const args = { archive: NAME, path: volume }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([{ ...job, args }]) } })
  await daemon.ask('PUT', '/api/v1/notify', { form: { addr: receiver.url } })
})

afterAll(async () => {
  await receiver?.close()
  await daemon?.[Symbol.asyncDispose]()
  dir?.[Symbol.dispose]()
})

/** The end of a recover that is asked for so. */
async function recover(form: Record<string, string | string[]>): Promise<LegacyRecord | undefined> {
  const base = { app: 'hello', proc: 'web', destDir: '', namespace: IP }
  const path = `/api/v1/backup/increment/recover/dir/${NAME}`
  const { body } = await daemon.ask('POST', path, { form: { ...base, ...form } })
  const { rid } = body as { rid: string }
  const told = () => receiver.taken.filter((post) => post.rid === rid)
  await receiver.until(() => told().length === 2)
  return told().at(-1)
}

const contentOf = (path: string) => readFile(join(volume, path), 'utf8')

test('it lists a mirror at any depth', async () => {
  const list = async (path: string) =>
    ((await daemon.ask('GET', `/api/v1/backup/filelist/dir/${path}`)).body as { name: string }[]).map(
      ({ name }) => name,
    )
  expect(await list(NAME)).toEqual(['sub', 'time.log'])
  expect(await list(`${NAME}/sub`)).toEqual(['deep', 's.txt'])
  expect(await list(`${NAME}/sub/deep`)).toEqual(['d.txt'])
  expect((await daemon.ask('GET', `/api/v1/backup/info/file/${NAME}`)).body).toMatchObject({
    mode: 'increment',
    name: NAME,
    source: volume,
  })
})

test('it recovers files and folders of a mirror, which is reported as recorded', async () => {
  await writeFile(join(volume, 'time.log'), 'damaged')
  await writeFile(join(volume, 'since'), 'made since')
  const recorded = JSON.parse(await readFile('test/fixtures/wire/notify.json', 'utf8')) as {
    body: LegacyRecord
  }[]
  const post = recorded.map(({ body }) => body).find(({ args, state }) => args?.files && state === 'success')
  const own = { rid: expect.any(String), start: expect.any(String), end: expect.any(String) }
  expect(await recover({ files: 'time.log' })).toEqual({ ...post, ...own })
  expect([await contentOf('time.log'), existsSync(join(volume, 'sub'))]).toEqual(['time1\n', false])

  expect(await recover({ files: ['sub', 'time.log'] })).toMatchObject({ state: 'success', reason: '' })
  expect([await contentOf('sub/deep/d.txt'), await contentOf('since')]).toEqual(['d1\n', 'made since'])
})

test('it migrates from the namespace of another server: all files', async () => {
  const target = join(dir.path, 'volumes/hello/hello.web.web/2/data/files')
  await mkdir(target, { recursive: true })
  const ended = await recover({ namespace: OTHER, destDir: target, files: '*' })
  expect(ended).toMatchObject({ state: 'success', reason: '', args: { namespace: OTHER, files: ['*'] } })
  expect(await readFile(join(target, 'time.log'), 'utf8')).toBe('time2\n')
})

test('it deletes a file inside a mirror, then the mirror; for another server the request comes here too', async () => {
  const remove = (files: string) => daemon.ask('POST', '/api/v1/backup/delete', { form: { files } })
  const mirror = join(dir.path, 'store', IP, NAME)
  const elsewhere = NAME.replace('-1-', '-2-')
  expect(await remove(`${elsewhere}/sub`)).toMatchObject({ status: 204 })
  expect(await remove(`${NAME}/sub/s.txt`)).toMatchObject({ status: 204 })
  expect([existsSync(join(mirror, 'sub/s.txt')), existsSync(join(mirror, 'time.log'))]).toEqual([false, true])
  expect(await remove(NAME)).toMatchObject({ status: 204 })
  expect((await daemon.ask('GET', '/api/v1/backup/json')).body).toBeNull()
})
