import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { askHttp } from '../support/daemon-http.ts'
import { MIRROR, type RecordedCluster, startRecordedCluster } from '../support/recorded-cluster.ts'

/** The requests of the old command line client, with what it reads from each answer to print it. */
async function oldClient({ controller }: RecordedCluster) {
  const ask = async <T>(
    method: string,
    path: string,
    form?: Record<string, string | string[]>,
  ): Promise<T> => {
    const { status, body } = await askHttp(
      controller.url,
      method,
      `/api/v2/app/hello${path}`,
      form ? { form } : {},
    )
    if (status >= 300) throw new Error(String(body))
    return body as T
  }
  const get = <T>(path: string) => ask<T>('GET', path)
  const post = <T>(path: string, form?: Record<string, string | string[]>) => ask<T>('POST', path, form)
  return {
    jobs: () =>
      get<{ prev: string; next: string; job: { id: string; args: Record<string, unknown> } }[]>('/cron/jobs'),
    backups: (volume: string) =>
      get<{ name: string; size: number; created: string; instanceNo: number }[]>(
        `/proc/web/backups?volume=${volume}`,
      ),
    open: (name: string) =>
      get<{ name: string; size: number; dir: boolean }[]>(`/proc/web/backups/${name}?open=true`),
    remove: (files: string[]) => post('/proc/web/backups/actions/delete', { files }),
    recover: (name: string, files?: string[]) =>
      post<string>(`/proc/web/backups/${name}/actions/recover`, files && { files }),
    migrate: (name: string, form: Record<string, string | string[]>) =>
      post<string>(`/proc/web/backups/${name}/actions/migrate`, form),
    records: (total: number) => get<{ rid: string; state: string }[]>(`/cron/records?total=${total}`),
    record: (rid: string) =>
      get<{ state: string; reason: string; start: string; end: string }>(`/cron/records/${rid}`),
    run: (id: string) => post<string>(`/cron/jobs/${id}/actions/run`),
  }
}

test('the legacy command line client works and prints what it reads', async () => {
  const cluster = await startRecordedCluster({ mirror: true })
  const client = await oldClient(cluster)
  const ended = (rid: string) =>
    expect.poll(async () => (await client.record(rid)).state, { timeout: 30_000 }).toBe('success')
  await expect
    .poll(async () => (await client.jobs()).filter(({ next }) => !next.startsWith('0001')).length)
    .toBe(4)
  const job = (await client.jobs()).find(
    ({ job: { args } }) => args.volume === '/data/db' && args.instanceNo === 1,
  )

  const rid = await client.run(job?.job.id ?? '')
  await ended(rid)
  expect(await client.records(1)).toMatchObject([{ rid, state: 'success' }])
  const [backup] = await client.backups('/data/db')
  expect(backup).toEqual({
    volume: '/data/db',
    instanceNo: 1,
    name: expect.stringMatching(/^hello-hello\.web\.web-1-data-db-\d{10}\.tar\.gz$/),
    size: expect.any(Number),
    created: expect.stringMatching(/Z$/),
  })

  expect(await client.open(MIRROR)).toMatchObject([
    { name: 'sub', dir: true },
    { name: 'time.log', size: 6, dir: false },
  ])
  expect(await client.open(`${MIRROR}/sub`)).toMatchObject([{ name: 's.txt', size: 3, dir: false }])
  await ended(await client.recover(backup?.name ?? ''))
  await ended(await client.recover(MIRROR, ['sub', 'time.log']))
  await ended(await client.migrate(backup?.name ?? '', { volume: '/data/db', to: '2' }))
  await ended(await client.migrate(MIRROR, { volume: '/data/files', to: '2', files: ['time.log'] }))
  await client.remove([backup?.name ?? '', MIRROR])
  expect([await client.backups('/data/db'), await client.backups('/data/files')]).toEqual([[], []])
})

test('the legacy client prints a refusal as a sentence', async () => {
  const client = await oldClient(await startRecordedCluster({ mirror: true }))
  await expect(client.remove(['other-1.tar.gz'])).rejects.toThrow(
    /^No permission to delete other-1\.tar\.gz: .*nothing was deleted/,
  )
  await expect(client.recover(MIRROR)).rejects.toThrow(
    /needs "files": name files and directories of it, or send \* for all/,
  )
  await expect(client.record('nope')).rejects.toThrow('There is no record "nope" of hello')
})

test('bodies may be JSON; * puts every file of an increment in place, and removes none', async () => {
  const { controller, volumeFile, write } = await startRecordedCluster({ mirror: true })
  const backups = '/api/v2/app/hello/proc/hello.web.web/backups'
  const ask = (path: string, json: unknown) => askHttp(controller.url, 'POST', `${backups}/${path}`, { json })
  const listed = async () => (await askHttp(controller.url, 'GET', backups)).body
  await expect.poll(listed).toHaveLength(1)
  await write(1, 'files/time.log', 'damaged')
  await write(1, 'files/sub/s.txt', 'damaged')
  await write(1, 'files/more.txt', 'stays')
  const { status, body } = await ask(`${MIRROR}/actions/recover`, { files: ['*'] })
  expect(status).toBe(200)
  const record = async () =>
    (await askHttp(controller.url, 'GET', `/api/v2/app/hello/cron/records/${body}`)).body
  await expect.poll(record, { timeout: 30_000 }).toMatchObject({ state: 'success' })
  const texts = ['files/time.log', 'files/sub/s.txt', 'files/more.txt'].map((path) =>
    readFileSync(volumeFile(1, path), 'utf8'),
  )
  expect(texts).toEqual(['time1\n', 's1\n', 'stays'])
  expect(
    await ask(`${MIRROR}/actions/migrate`, { volume: '/data/files', to: 'x', files: '*' }),
  ).toMatchObject({ status: 400 })
  expect(await ask('actions/delete', { files: [MIRROR] })).toMatchObject({ status: 204, body: '' })
  expect(await listed()).toEqual([])
})

test('no route performs a recover for which only a plan was requested', async () => {
  const { controller, one, volumeFile, write } = await startRecordedCluster({ mirror: true })
  await expect
    .poll(async () => (await askHttp(controller.url, 'GET', '/api/v1/backup/json/app/hello/proc/web')).body)
    .toHaveLength(1)
  await write(1, 'files/time.log', 'newer')
  const refused = async (url: string, path: string, form: Record<string, string>) => {
    const { status, body } = await askHttp(url, 'POST', path, { form: { files: '*', ...form } })
    expect({ path, status, body }).toEqual({ path, status: 400, body: expect.stringContaining('"plan"') })
  }
  const v1 = (verb: string) => `/api/v1/backup/${verb}/increment/app/hello/proc/web/dir/${MIRROR}`
  const v2 = (verb: string) => `/api/v2/app/hello/proc/web/backups/${MIRROR}/actions/${verb}`
  for (const path of [v1, v2]) {
    await refused(controller.url, path('recover'), { plan: 'true' })
    await refused(controller.url, path('migrate'), { plan: '1', volume: '/data/files', to: '2' })
  }
  await refused(one.url, `/api/v1/backup/increment/recover/dir/${MIRROR}`, { plan: '1' })
  expect((await askHttp(controller.url, 'GET', '/api/v2/app/hello/cron/records')).body).toEqual([])
  expect(readFileSync(volumeFile(1, 'files/time.log'), 'utf8')).toBe('newer')
})

test('no route recovers an increment without names of files: newer files stay', async () => {
  const { controller, one, volumeFile, write } = await startRecordedCluster({ mirror: true })
  await expect
    .poll(async () => (await askHttp(controller.url, 'GET', '/api/v1/backup/json/app/hello/proc/web')).body)
    .toHaveLength(1)
  await write(1, 'files/newer.txt', 'newer')
  const refused = async (url: string, path: string, form = {}) => {
    const { status, body } = await askHttp(url, 'POST', path, { form })
    expect({ path, status, body }).toEqual({ path, status: 400, body: expect.stringContaining('"files"') })
  }
  const target = { volume: '/data/files', to: '2' }
  for (const kind of ['file', 'dir']) {
    const increment = kind === 'dir' ? '/increment' : ''
    const path = `${increment}/app/hello/proc/web/${kind}/${MIRROR}`
    await refused(controller.url, `/api/v1/backup/recover${path}`)
    await refused(controller.url, `/api/v1/backup/migrate${path}`, target)
  }
  const backup = `/api/v2/app/hello/proc/web/backups/${MIRROR}`
  await refused(controller.url, `${backup}/actions/recover`)
  await refused(controller.url, `${backup}/actions/migrate`, target)
  await refused(one.url, `/api/v1/backup/full/recover/file/${MIRROR}`)
  expect((await askHttp(controller.url, 'GET', '/api/v2/app/hello/cron/records')).body).toEqual([])
  expect(readFileSync(volumeFile(1, 'files/newer.txt'), 'utf8')).toBe('newer')
})
