import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hasEnded, makeKillableProgram, startBackup, waitForRecord } from '../support/killable-program.ts'
import { ask, writeInventory } from '../support/standalone.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

/** A program takes seconds to start. */
const LONG = { timeout: 300_000 }
const PATIENCE = { timeout: 120_000, interval: 200 }
const JOB = '7f000001-drill'
const RECORDS = '{ records(filter: { action: "backup_drill" }) { nodes { jobId state } } }'
const PROBLEMS = `{ servers { problems } job(id: "${JOB}") { problem } }`

interface Told {
  servers: { problems: string[] }[]
  job: { problem: string | null }
}

async function drilledProgram() {
  const world = await makeKillableProgram()
  const drillDir = join(world.folder, 'scratch')
  mkdirSync(drillDir)
  const inventory = join(world.folder, 'drilled.yaml')
  const text = readFileSync(await writeInventory(world.folder), 'utf8')
  writeFileSync(
    inventory,
    text.replace('backup_full', 'drill: { schedule: "@yearly" }\n          backup_full'),
  )
  return { world, drillDir, flags: ['--drill-dir', drillDir, '--inventory', inventory], inventory }
}

test.skipIf(!canMount)(
  'the drill job drills the newest good backup, and nothing while its directory is beside the data',
  LONG,
  async () => {
    const { world, drillDir, flags } = await drilledProgram()
    let running = await world.start(flags)
    await waitForRecord(running, await startBackup(running), hasEnded)
    const startRound = () => ask(running.url, `mutation { runJob(id: "${JOB}") { rid } }`)
    const readRecords = async () =>
      (await ask<{ records: { nodes: object[] } }>(running.url, RECORDS)).records.nodes
    const readProblems = async () => (await ask<Told>(running.url, PROBLEMS)).servers[0]?.problems.join()
    await expect.poll(readProblems, PATIENCE).toContain('is on the file system of')
    await startRound()
    running.program.process.kill('SIGKILL')
    await running.program.ended

    onTestFinished(mountTmpfs(drillDir, 'size=200m'))
    running = await world.start(flags)
    expect(await readRecords()).toEqual([])
    await startRound()
    await expect.poll(readRecords, PATIENCE).toMatchObject([{ jobId: JOB, state: 'SUCCESS' }])
    expect(readdirSync(drillDir)).toEqual([])
    expect(await readProblems()).not.toContain('No backup is drilled')
  },
)

test('a daemon without --drill-dir gets no drill job, and a clear word says so', LONG, async () => {
  const { world, inventory } = await drilledProgram()
  const running = await world.start(['--inventory', inventory])
  const word =
    'Its daemon drills nothing on a schedule: start it with --drill-dir DIR, or upgrade it if it has that'
  const told = async () => await ask<Told>(running.url, PROBLEMS)
  await expect.poll(async () => (await told()).job.problem, PATIENCE).toBe(word)
  expect((await told()).servers[0]?.problems).toContain(word)
})
