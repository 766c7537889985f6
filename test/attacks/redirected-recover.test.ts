import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { startTestDaemon } from '../support/daemon-start.ts'

/** Whoever can write into the store can change what a manifest or `.meta` says of the path of a backup. */

const IP = '10.77.0.11'
const ARCHIVE = 'shop-shop.web.web-1-data-db'

interface ListedJob {
  archive: string
  path: string
}

/** A daemon with one backup of `db`, and a volume `other` that must stay as it is. */
async function start() {
  const daemon = await startTestDaemon({ ip: IP })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const [db, other] = ['db', 'other'].map((name) => join(daemon.dir, 'volumes', name)) as [string, string]
  for (const path of [db, other]) await mkdir(path)
  await writeFile(join(db, 'mine'), 'mine')
  await writeFile(join(other, 'precious'), 'precious')
  const setJobs = (list: ListedJob[]) => {
    const jobs = list.map(({ archive, path }) => ({
      id: archive,
      spec: '@yearly',
      action: 'backup',
      type: 'cron',
      sleep: false,
      args: {
        app: 'shop',
        archive,
        containers: [],
        instanceNo: 1,
        mode: 'full',
        path,
        postRun: '',
        preRun: '',
        proc: 'shop.web.web',
        volume: '/data/db',
      },
    }))
    return daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify(jobs) } })
  }
  await setJobs([{ archive: ARCHIVE, path: db }])
  const made = await daemon.ask('POST', `/api/v1/cron/jobs/${ARCHIVE}/actions/run`)
  const { result } = (await daemon.ended((made.body as { rid: string }).rid)) as RunRecord
  const name = result?.file ?? ''
  const namespace = join(daemon.dir, 'store', IP)
  /** As a legacy controller asks: with an empty destDir. */
  const recover = async () => {
    const { body } = await daemon.ask('POST', `/api/v1/backup/full/recover/file/${name}`, {
      form: { app: 'shop', proc: 'web', destDir: '', namespace: IP },
    })
    return (await daemon.ended((body as { rid: string }).rid)) as RunRecord
  }
  const forge = (file: string) => {
    const path = join(namespace, file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(db, other))
  }
  const intact = async () => expect(await readdir(other)).toEqual(['precious'])
  return { db, other, name, namespace, setJobs, recover, forge, intact }
}

test('a recover without a target uses the path of the job, whatever the store says', async () => {
  const { db, name, recover, forge, intact, setJobs, other } = await start()
  for (const file of [`${name}.manifest.json`, '.meta']) forge(file)
  await setJobs([
    { archive: ARCHIVE, path: db },
    { archive: 'shop-shop.web.web-1-data-other', path: other },
  ])
  await writeFile(join(db, 'since'), 'since')
  expect(await recover()).toMatchObject({ state: 'success', args: { destDir: '' } })
  expect(await readdir(db)).toEqual(['mine'])
  await intact()
})

test('a recover without a job for its volume is refused, and the error suggests migrate', async () => {
  const { setJobs, recover, other, name, forge, intact } = await start()
  forge(`${name}.manifest.json`)
  await setJobs([{ archive: 'shop-shop.web.web-1-data-other', path: other }])
  expect(await recover()).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('no job of this daemon backs up the volume in its name. Migrate it'),
  })
  await intact()
})

test('a legacy backup is recovered to the path in .meta only if a job has that path', async () => {
  const { db, name, namespace, setJobs, recover, intact } = await start()
  await rm(join(namespace, `${name}.manifest.json`))
  await writeFile(join(db, 'since'), 'since')
  await setJobs([{ archive: 'shop-shop.web.renamed-1-data-db', path: db }])
  expect(await recover()).toMatchObject({ state: 'success' })
  expect(await readdir(db)).toEqual(['mine'])
  await setJobs([])
  expect(await recover()).toMatchObject({ state: 'failed' })
  await intact()
})
