import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { ask, type Program, startStandalone, watch } from '../support/standalone.ts'

const FILES = 40

let folder: string
let running: Program | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unusual-'))
})

afterEach(async () => {
  running?.process.kill('SIGKILL')
  await running?.ended
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

interface Health {
  volumes: { nodes: { health: { states: string[]; because: string } }[] }
  backups: { nodes: { name: string; holds: string[] }[] }
}

const HEALTH = '{ volumes { nodes { health { states because } } } backups { nodes { name holds } } }'
const UPDATED = 'subscription ($rid: ID) { recordUpdated(rid: $rid) { record { state warnings } } }'

async function start() {
  const { program, url } = await startStandalone(folder)
  running = program
  await program.said(/\/graphql/)
  const { jobs } = await ask<{ jobs: { id: string; action: string }[] }>(url, '{ jobs { id action } }')
  const id = jobs.find(({ action }) => action === 'backup')?.id
  return {
    url,
    read: () => ask<Health>(url, HEALTH),
    async stop() {
      program.process.kill('SIGTERM')
      await program.ended
    },
    /** Runs the job and returns the warnings of its record. */
    async runOnce(): Promise<string[]> {
      const { runJob } = await ask<{ runJob: { rid: string } }>(
        url,
        'mutation ($id: ID!) { runJob(id: $id) { rid } }',
        { id },
      )
      const events = watch<{ recordUpdated: { record: { state: string; warnings: string[] } } }>(
        url,
        UPDATED,
        {
          rid: runJob.rid,
        },
      )
      for await (const { recordUpdated } of events) {
        const { state, warnings } = recordUpdated.record
        if (['QUEUED', 'RUNNING'].includes(state)) continue
        expect(state).toBe('SUCCESS')
        return warnings
      }
      throw new Error('the run was not watched to its end')
    },
  }
}

test('a volume whose files are encrypted is unusual, until an operator acknowledges it', async () => {
  const tables = join(folder, 'volume', 'tables')
  await mkdir(tables, { recursive: true })
  const writeAll = (content: () => Buffer | string) =>
    Promise.all(Array.from({ length: FILES }, (_, n) => writeFile(join(tables, `${n}.table`), content())))
  await writeAll(() => 'rows of a table')
  const first = await start()
  for (let run = 0; run < 11; run++) {
    await writeFile(join(tables, '0.table'), `rows of run ${run}`)
    expect(await first.runOnce()).toEqual([])
  }
  expect((await first.read()).volumes.nodes[0]?.health.states).toEqual(['OK'])
  await writeAll(() => randomBytes(64))
  expect(await first.runOnce()).toEqual([
    expect.stringContaining('this backup is unusual: 100 % of the 40 files have other content'),
  ])
  expect(await first.runOnce()).toEqual([])
  const { volumes, backups } = await first.read()
  expect(volumes.nodes[0]?.health).toMatchObject({
    states: ['UNUSUAL'],
    because: expect.stringMatching(
      /^The full backup \("0 3 \* \* \*"\) of .* is unusual: 100 % of the 40 files/,
    ),
  })
  const held = backups.nodes.filter(({ holds }) => holds.length > 0).map(({ name }) => name)
  expect(held).toEqual([backups.nodes[2]?.name])
  const metrics = await (await fetch(new URL('/metrics', first.url))).text()
  expect(metrics).toMatch(/backupd_volume_health\{.*state="UNUSUAL"\} 1/)

  // What is beside the data is enough: a controller without its catalog judges the same.
  await first.stop()
  await rm(join(folder, 'data', 'controller'), { recursive: true, force: true })
  const second = await start()
  await expect.poll(async () => (await second.read()).volumes.nodes[0]?.health.states).toContain('UNUSUAL')

  const asked = { app: 'shop', proc: 'web' }
  const remove = () =>
    deleteByPlan((query, variables) => ask(second.url, query, variables), { ...asked, names: held })
  await expect(remove()).rejects.toThrow('it is held')
  const unusual = (...argv: string[]) => runQuietly('unusual', ...argv, '--url', second.url)
  const listed = await unusual('list')
  expect(listed).toMatchObject({ code: 0, err: '' })
  expect(listed.out).toMatch(/^\S+ of \S+ 1 on 127\.0\.0\.1\n {2}\S+Z: 100 % of the 40 files/)
  expect(listed.out).toContain(`${held[0]} is kept from before it. To let it expire:`)
  const [, command = ''] = /backupd unusual (acknowledge .*)/.exec(listed.out) ?? []
  expect(await unusual(...command.split(' '))).toEqual({
    code: 0,
    out: `${held[0]} may expire again.\n`,
    err: '',
  })
  await expect
    .poll(async () => (await second.read()).volumes.nodes[0]?.health.states)
    .not.toContain('UNUSUAL')
  expect((await unusual('list')).out).toBe('No backup is unusual.\n')
  expect((await unusual(...command.split(' '))).out).toMatch(/^Nothing was kept/)
  expect(await remove()).toEqual({ deleteBackups: held })
  const pieces = await readdir(join(folder, 'data', 'store', '127.0.0.1'))
  for (const name of held) expect(pieces).toContain(`${name}.hidden`)
})
