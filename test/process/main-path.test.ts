import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { given } from '../support/given.ts'
import { socketClient } from '../support/real-controller.ts'

const IP = '127.0.0.1'
const WATCH = `subscription ($rid: ID!) { recordUpdated(rid: $rid) { seq kind record {
  state reason error { message } progress { phase bytesDone } result { size backup { name good } entriesRestored } } } }`

interface Told {
  recordUpdated: {
    seq: number
    kind: string
    record: { state: string; error: object | null; result: { size: number } | null }
  }
}

const FILES = { 'a.txt': 'first words', 'sub/b.bin': Buffer.alloc(3_000_000, 'abcdefg') }

async function world() {
  const { url, volume, ask } = await given.app('hello').proc('web').volume('/data/db').files(FILES).running()
  /** Every event of a run to its end. */
  const watch = async (rid: string) => {
    const events: Told['recordUpdated'][] = []
    for await (const { data } of socketClient(url).iterate<Told>({
      query: WATCH,
      variables: { rid },
    })) {
      if (!data) throw new Error('no data')
      events.push(data.recordUpdated)
      if (!['QUEUED', 'RUNNING'].includes(data.recordUpdated.record.state)) break
    }
    return events
  }
  return { volume, ask, watch }
}

test('a volume is backed up, watched live, listed, damaged and recovered', async () => {
  const { ask, watch, volume } = await world()
  const JOBS = '{ jobs(filter: { app: "hello", proc: "web" }) { id nextRun } }'
  const listJobs = async () => (await ask<{ jobs: { id: string; nextRun: string }[] }>(JOBS)).jobs
  await expect.poll(listJobs).toMatchObject([{ nextRun: expect.stringMatching(/^20/) }])
  const jobs = await listJobs()

  const { runJob } = await ask<{ runJob: { rid: string } }>(
    'mutation ($id: ID!) { runJob(id: $id) { rid } }',
    { id: jobs[0]?.id },
  )
  const backedUp = await watch(runJob.rid)
  expect(backedUp[0]?.kind).toBe('SNAPSHOT')
  expect(backedUp.at(-1)).toMatchObject({
    record: { state: 'SUCCESS', error: null, result: { backup: { good: true } } },
  })

  const { backups } = await ask<{ backups: { nodes: { name: string; files: { nodes: object[] } }[] } }>(
    '{ backups(filter: { app: "hello", proc: "web" }) { nodes { name size orphaned server { ip } files { nodes { path type size } totalCount } } } }',
  )
  expect(backups.nodes).toMatchObject([{ orphaned: false, server: { ip: IP } }])
  expect(backups.nodes[0]?.files.nodes).toMatchObject([
    { path: 'a.txt', type: 'FILE', size: 11 },
    { path: 'sub', type: 'DIRECTORY' },
  ])

  await writeFile(join(volume, 'a.txt'), 'damaged')
  await rm(join(volume, 'sub'), { recursive: true })
  const input = { app: 'hello', proc: 'web', backup: backups.nodes[0]?.name }
  const { recover } = await ask<{ recover: { rid: string } }>(
    'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }',
    { input },
  )
  const recovered = await watch(recover.rid)
  expect(recovered.at(-1)).toMatchObject({ record: { state: 'SUCCESS', reason: null } })
  expect(await readFile(join(volume, 'a.txt'), 'utf8')).toBe('first words')
  expect((await readFile(join(volume, 'sub/b.bin'))).length).toBe(3_000_000)

  const { app } = await ask<{ app: object }>(
    '{ app(name: "hello") { procs { shortName instances { no volumes { name lastGood { name } backups { totalCount } jobs { lastRecord { state } } } } } } }',
  )
  expect(app).toMatchObject({
    procs: [
      {
        instances: [
          {
            volumes: [
              {
                lastGood: { name: input.backup },
                backups: { totalCount: 1 },
                jobs: [{ lastRecord: { state: 'SUCCESS' } }],
              },
            ],
          },
        ],
      },
    ],
  })

  const { deleteBackups } = await deleteByPlan(ask, {
    app: 'hello',
    proc: 'web',
    names: [input.backup ?? ''],
  })
  expect(deleteBackups).toEqual([input.backup])
  expect(await ask('{ backups { totalCount } }')).toEqual({ backups: { totalCount: 0 } })
})
