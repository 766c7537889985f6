import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askHttp } from '../support/daemon-http.ts'
import { MIRROR, ONE, startRecordedCluster } from '../support/recorded-cluster.ts'

const BACKUPS = '/api/v2/app/hello/proc/web/backups'

async function start() {
  const { controller, folder } = await startRecordedCluster({ mirror: true })
  const ask = (path: string, form?: { files: string[] }) =>
    askHttp(controller.url, form ? 'POST' : 'GET', path, form ? { form } : {})
  const listed = async () => ((await ask(BACKUPS)).body as { name: string }[]).map(({ name }) => name)
  await expect.poll(listed).toEqual([MIRROR])
  const isThere = (path: string) => existsSync(join(folder, 'store', ONE, MIRROR, path))
  return { ask, listed, isThere, remove: (...files: string[]) => ask(`${BACKUPS}/actions/delete`, { files }) }
}

test('one file of a legacy mirror can be deleted, and the rest stays', async () => {
  const { ask, listed, isThere, remove } = await start()
  expect(await remove(`${MIRROR}/sub/s.txt`)).toMatchObject({ status: 204 })
  expect([isThere('sub/s.txt'), isThere('time.log')]).toEqual([false, true])
  expect((await ask(`${BACKUPS}/${MIRROR}/sub?open=true`)).body).toEqual([])
  expect(await listed()).toEqual([MIRROR])
})

test('a series of snapshots can only be deleted as a whole', async () => {
  const { controller } = await startRecordedCluster({ mirror: false })
  const ask = (method: string, path: string, form?: { files: string[] }) =>
    askHttp(controller.url, method, path, form ? { form } : {})
  const jobs = async () =>
    (await ask('GET', '/api/v2/app/hello/cron/jobs?args_mode=increment')).body as Listed[]
  await expect.poll(async () => (await jobs())[0]?.next).not.toMatch(/^0001/)
  await ask('POST', `/api/v2/app/hello/cron/jobs/${(await jobs())[0]?.job.id}/actions/run`)
  const listed = async () => ((await ask('GET', BACKUPS)).body as { name: string }[]).map(({ name }) => name)
  await expect.poll(listed, { timeout: 30_000 }).toEqual([MIRROR])
  expect(await ask('POST', `${BACKUPS}/actions/delete`, { files: [`${MIRROR}/time.log`] })).toMatchObject({
    status: 400,
    body: expect.stringContaining(`Cannot delete a part of "${MIRROR}": delete the whole backup`),
  })
  expect((await ask('GET', `${BACKUPS}/${MIRROR}?open=true`)).body).toHaveLength(2)
  expect(await ask('POST', `${BACKUPS}/actions/delete`, { files: [MIRROR] })).toMatchObject({ status: 204 })
  expect(await listed()).toEqual([])
})

interface Listed {
  next: string
  job: { id: string }
}

test('a name that leads out or belongs to others is 400, and nothing is deleted', async () => {
  const { listed, isThere, remove } = await start()
  for (const name of [
    `${MIRROR}/../x`,
    `${MIRROR}/sub/../../x`,
    `${MIRROR}//sub`,
    `${MIRROR}/./sub`,
    `${MIRROR}/sub\0`,
    'hello-hello.web.other-1-data-files/sub',
    '.meta',
  ]) {
    const answer = await remove(`${MIRROR}/time.log`, name)
    expect(answer).toMatchObject({
      status: 400,
      body: expect.stringContaining(`No permission to delete ${name}`),
    })
    expect([isThere('time.log'), await listed()]).toEqual([true, [MIRROR]])
  }
})
