import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Running } from '../support/given/running.ts'
import { given } from '../support/given.ts'

const PATIENCE = { timeout: 120_000, interval: 200 }
const VERIFY_JOB = '7f000001-verify'

interface VerifyRecord {
  state: string
  app: string
  jobId: string
  error: { code: string; facts: { files?: string[] } } | null
  args: { backup: string }
}

/** A volume whose increments and full backups have been made once. */
async function backedUpVolume() {
  const world = await given
    .app('shop')
    .proc('web')
    .volume('/data/db')
    .schedule({})
    .schedule({ mode: 'increment' })
    .files({ 'orders.table': randomBytes(200_000), small: 'small' })
    .running()
  const backUpAll = async () => {
    const { jobs } = await world.ask<{ jobs: { id: string }[] }>(
      '{ jobs(filter: { action: "backup" }) { id } }',
    )
    for (const { id } of jobs) {
      const { runJob } = await world.ask<{ runJob: { rid: string } }>(
        'mutation ($id: ID!) { runJob(id: $id) { rid } }',
        { id },
      )
      expect(await world.ended(runJob.rid)).toMatchObject({ state: 'SUCCESS' })
    }
  }
  await backUpAll()
  return { ...world, backUpAll }
}

async function startNight({ ask }: Running): Promise<void> {
  await ask('mutation ($id: ID!) { runJob(id: $id) { rid } }', { id: VERIFY_JOB })
}

async function readVerifications({ ask }: Running): Promise<VerifyRecord[]> {
  const { records } = await ask<{ records: { nodes: VerifyRecord[] } }>(
    '{ records(filter: { action: "backup_verify" }, first: 50) { nodes { state jobId args app error { code facts } } } }',
  )
  return records.nodes
}

async function readStates({ ask }: Running): Promise<string[]> {
  const { volumes } = await ask<{ volumes: { nodes: { health: { states: string[] } }[] } }>(
    '{ volumes(first: 9) { nodes { health { states } } } }',
  )
  return volumes.nodes.flatMap(({ health }) => health.states)
}

/** Changes one byte in the middle. */
function flipByte(file: string): void {
  const content = readFileSync(file)
  const at = content.length >> 1
  content[at] = (content[at] ?? 0) ^ 1
  writeFileSync(file, content)
}

/** The largest pack: that of the content. */
function findPack(store: string): string {
  const data = join(store, 'repo', 'data')
  const packs = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const files = packs.map(({ parentPath, name }) => join(parentPath, name))
  return files.sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0] ?? ''
}

test('the verify job proves every backup, each with a record of its own', { timeout: 240_000 }, async () => {
  const world = await backedUpVolume()
  const { job } = await world.ask<{ job: object }>(
    `{ job(id: "${VERIFY_JOB}") { spec action volume nextRun problem app { name } } }`,
  )
  expect(job).toMatchObject({ action: 'backup_verify_due', volume: null, problem: null })
  await startNight(world)
  await expect
    .poll(() => readVerifications(world), PATIENCE)
    .toMatchObject([
      { state: 'SUCCESS', jobId: VERIFY_JOB, app: 'shop' },
      { state: 'SUCCESS', jobId: VERIFY_JOB, app: 'shop' },
    ])
  const { backups } = await world.ask<{ backups: { nodes: { verified: object | null }[] } }>(
    '{ backups(first: 9) { nodes { verified { method share } } } }',
  )
  const proven = { verified: { method: 'HASH', share: 1 } }
  expect(backups.nodes).toEqual([proven, proven])
})

test('a flipped byte in an archive and in a pack is found by the schedule, named, and stored again by the next run', {
  timeout: 300_000,
}, async () => {
  const world = await backedUpVolume()
  const archive = world.objects().find((name) => name.endsWith('.tar.gz')) ?? ''
  flipByte(join(world.store, archive))
  flipByte(findPack(world.store))
  await startNight(world)
  await expect
    .poll(async () => (await readVerifications(world)).map(({ error }) => error?.code).sort(), PATIENCE)
    .toEqual(['ARCHIVE_CORRUPT', 'SNAPSHOT_CORRUPT'])
  for (const { error } of await readVerifications(world)) expect(error?.facts.files).toContain('orders.table')
  await expect.poll(() => readStates(world), PATIENCE).toContain('CORRUPT')
  expect(await world.lastGood()).toBeUndefined()
  await world.backUpAll()
  await expect.poll(() => readStates(world), PATIENCE).toEqual(['OK'])
  expect(await world.lastGood()).not.toBe(archive)
})
