import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'
import { startReceiver } from '../support/news-receiver.ts'
import { backupArgs, SERVER } from '../support/plugin-args.ts'

/** A daemon with a volume, and the records that it sends. */
async function start() {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  const daemon = await startTestDaemon()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  await daemon.ask('PUT', '/api/v1/notify', { form: { addr: receiver.url, protocol: '2' } })
  const volume = join(daemon.dir, 'volumes/db')
  mkdirSync(volume)
  const told = async (fits: (record: RunRecord) => boolean): Promise<RunRecord> => {
    const find = () => receiver.taken.flatMap(({ records }) => records).find(fits)
    await receiver.until(() => find() !== undefined)
    return find() as RunRecord
  }
  return { daemon, volume, told }
}

const job = (id: string, action: string, args: object) => ({
  id,
  spec: action === 'backup' ? '0 6 * * *' : '* * * * * *',
  action,
  args,
  type: 'cron',
  sleep: false,
})

function setJobs(daemon: StartedDaemon, ...jobs: object[]) {
  const form = { data: JSON.stringify(jobs), version: `v${jobs.length}` }
  return daemon.ask('PUT', '/api/v1/cron/jobs', { form })
}

async function backUp(daemon: StartedDaemon, id: string, file: string): Promise<RunRecord> {
  writeFileSync(file, `${Math.random()}`)
  const { body } = await daemon.ask('POST', `/api/v1/cron/once/${id}`)
  return await daemon.ended((body as { rid: string }).rid)
}

/** Of the day before, as its manifest and the index of the namespace say; without a checksum, as after an edit by hand. */
function makeOld(namespace: string, name: string): void {
  const manifest = join(namespace, `${name}.manifest.json`)
  const { checksum: _, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'))
  writeFileSync(manifest, JSON.stringify(rest))
  const older = new Date(Date.parse(rest.created) - 86_400_000).toISOString()
  for (const file of [manifest, join(namespace, '.meta')])
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(rest.created, older))
}

test('an expire run that deletes backups and prunes has phases', { timeout: 60_000 }, async () => {
  const { daemon, volume, told } = await start()
  const file = join(volume, 'file')
  const args = backupArgs(volume)
  const jobs = [job('full', 'backup', args), job('increment', 'backup', { ...args, mode: 'increment' })]
  await setJobs(daemon, ...jobs)
  const [old, first] = [await backUp(daemon, 'full', file), await backUp(daemon, 'increment', file)]
  for (const id of ['full', 'increment']) expect((await backUp(daemon, id, file)).state).toBe('success')
  makeOld(join(daemon.dir, 'store', SERVER), `${old.result?.file}`)
  const path = `/api/v1/backup/snapshots/${first.result?.file}/actions/delete`
  const json = { namespace: SERVER, snapshots: [first.result?.snapshot] }
  expect(await daemon.ask('POST', path, { json })).toMatchObject({ status: 200 })

  const info = [volume, '30m', `${volume}@increment`, '30d']
  await setJobs(daemon, ...jobs, job('', 'backup_expire', { info }))
  const record = await told(({ action, state }) => action === 'backup_expire' && state === 'success')
  expect(record.result).toMatchObject({ deleted: [old.result?.file], bytesFreed: expect.any(Number) })
  const bytesFreed = record.result?.bytesFreed
  expect(record.progress).toMatchObject({ phase: 'prune', bytesDone: bytesFreed, bytesTotal: bytesFreed })
  const [begin, expire, prune, ...more] = record.phases ?? []
  expect([begin, expire, prune, more]).toMatchObject([
    { name: 'start', start: record.start, end: expire?.start, bytes: 0 },
    { name: 'expire', end: prune?.start, bytes: 0 },
    { name: 'prune', end: record.end, bytes: bytesFreed },
    [],
  ])
})
