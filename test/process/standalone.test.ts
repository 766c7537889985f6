import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask, type Program, startProgram, startStandalone, watch } from '../support/standalone.ts'

let folder: string
let running: Program | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standalone-'))
})

afterEach(async () => {
  running?.process.kill('SIGKILL')
  await running?.ended
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

async function start(more: string[] = []) {
  const started = await startStandalone(folder, more)
  running = started.program
  return started
}

interface Watched {
  recordUpdated: { seq: number; kind: string; record: { state: string; reason: string | null } }
}

/** Watches one record to its end. */
async function endOf(url: string, rid: string): Promise<Watched['recordUpdated'][]> {
  const seen: Watched['recordUpdated'][] = []
  const query = `subscription ($rid: ID) { recordUpdated(rid: $rid) { seq kind record { state reason } } }`
  for await (const { recordUpdated } of watch<Watched>(url, query, { rid })) {
    seen.push(recordUpdated)
    if (['SUCCESS', 'PARTIAL', 'FAILED', 'CANCELLED', 'LOST'].includes(recordUpdated.record.state)) break
  }
  return seen
}

test('a volume is backed up, watched live, damaged, and recovered', async () => {
  const volume = join(folder, 'volume')
  await mkdir(join(volume, 'tables'), { recursive: true })
  await writeFile(join(volume, 'tables/orders'), 'row 1\n')
  await writeFile(join(volume, 'notes.txt'), 'keep me\n')
  const { program, url } = await start()
  await program.said(/\/graphql/)

  const { jobs } = await ask<{ jobs: { id: string; action: string; nextRun: string }[] }>(
    url,
    '{ jobs { id action nextRun } }',
  )
  const job = jobs.find((each) => each.action === 'backup')
  expect(job?.id).toMatch(/^7f000001[0-9a-f]{32}$/)
  expect(Date.parse(job?.nextRun ?? '')).toBeGreaterThan(Date.now())

  const ran = await ask<{ runJob: { rid: string } }>(url, 'mutation ($id: ID!) { runJob(id: $id) { rid } }', {
    id: job?.id,
  })
  const events = await endOf(url, ran.runJob.rid)
  expect(events[0]?.kind).toBe('SNAPSHOT')
  expect(events.at(-1)?.record).toEqual({ state: 'SUCCESS', reason: null })

  const { backups } = await ask<{ backups: { nodes: { name: string; size: number; sha256: string }[] } }>(
    url,
    '{ backups { nodes { name size sha256 } } }',
  )
  expect(backups.nodes).toHaveLength(1)
  const backup = backups.nodes[0]!
  const archive = join(folder, 'data/store/127.0.0.1', backup.name)
  const listed = spawnSync('tar', ['-tzf', archive], { encoding: 'utf8' })
  expect(listed.stdout.split('\n').sort()).toEqual([
    '',
    'volume/',
    'volume/notes.txt',
    'volume/tables/',
    'volume/tables/orders',
  ])

  await rm(join(volume, 'tables'), { recursive: true })
  await writeFile(join(volume, 'notes.txt'), 'damaged')
  await writeFile(join(volume, 'intruder'), 'x')
  const recovered = await ask<{ recover: { rid: string } }>(
    url,
    'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }',
    { input: { app: 'shop', proc: 'web', backup: backup.name } },
  )
  const recovery = await endOf(url, recovered.recover.rid)
  expect(recovery.at(-1)?.record).toEqual({ state: 'SUCCESS', reason: null })
  expect(await readFile(join(volume, 'tables/orders'), 'utf8')).toBe('row 1\n')
  expect(await readFile(join(volume, 'notes.txt'), 'utf8')).toBe('keep me\n')
  expect((await readdir(volume)).sort()).toEqual(['notes.txt', 'tables'])

  program.process.kill('SIGINT')
  expect(await program.ended).toBe(0)
})

test('after a kill and a start nothing is forgotten', async () => {
  await mkdir(join(folder, 'volume'))
  await writeFile(join(folder, 'volume/file'), 'x')
  const first = await start()
  await first.program.said(/\/graphql/)
  const { jobs } = await ask<{ jobs: { id: string; action: string }[] }>(first.url, '{ jobs { id action } }')
  const id = jobs.find((each) => each.action === 'backup')?.id
  const { runJob } = await ask<{ runJob: { rid: string } }>(
    first.url,
    'mutation ($id: ID!) { runJob(id: $id) { rid } }',
    { id },
  )
  await endOf(first.url, runJob.rid)
  await ask(first.url, 'mutation ($id: ID!) { sleepJob(id: $id) { asleep } }', { id })
  first.program.process.kill('SIGKILL')
  await first.program.ended

  const second = await start()
  await second.program.said(/\/graphql/)
  const again = await ask<{
    record: { state: string }
    job: { asleep: boolean }
    backups: { totalCount: number }
  }>(
    second.url,
    'query ($rid: ID!, $id: ID!) { record(rid: $rid) { state } job(id: $id) { asleep } backups { totalCount } }',
    { rid: runJob.rid, id },
  )
  expect(again).toEqual({ record: { state: 'SUCCESS' }, job: { asleep: true }, backups: { totalCount: 1 } })
})

describe('a failed start is one line and exit code 1, with', () => {
  async function refusal(program: Program): Promise<string> {
    expect(await program.ended).toBe(1)
    const said = program.lines.filter((line) => line.startsWith('backupd: '))
    expect(said).toHaveLength(1)
    return said[0] ?? ''
  }

  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { program } = await start(['--addr', `127.0.0.1:${port}`])
    expect(await refusal(program)).toContain(`127.0.0.1:${port}`)
    taken.close()
  })

  test('a broken inventory', async () => {
    const file = join(folder, 'broken.yaml')
    await writeFile(file, 'apps:\n  shop:\n    web:\n      on: [nowhere]\n')
    const { program } = await start(['--inventory', file])
    expect(await refusal(program)).toMatch(
      /broken\.yaml cannot be used: .*line 4, column 12: "nowhere" is not an IPv4 address/,
    )
  })

  test('a data directory that is a file', async () => {
    await writeFile(join(folder, 'data'), '')
    const { program } = await start()
    expect(await refusal(program)).toContain(join(folder, 'data'))
  })

  test('an impossible data directory', async () => {
    const { program } = await start(['--data', '/proc/backupd'])
    expect(await refusal(program)).toContain('Cannot create the data directory /proc/backupd: ')
  })

  test('an unknown option', async () => {
    const program = startProgram(['standalone', '--backup-drivre', 'local'])
    running = program
    expect(await program.ended).toBe(1)
    expect(program.lines.join('\n')).toContain('--backup-drivre')
  })
})

test('the bundled program has the types of schema.graphql, each by its own name', async () => {
  const { program, url } = await start()
  await program.said(/\/graphql/)
  const answer = await ask<IntrospectionQuery>(url, getIntrospectionQuery())
  const checkedIn = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')
  const names = (text: string) => text.match(/^(type|input|enum|scalar|interface|union) \w+/gm)
  const built = printSchema(lexicographicSortSchema(buildClientSchema(answer)))
  expect(names(built)).toEqual(names(printSchema(buildSchema(checkedIn))))
})

test.each(['dist/main.js', 'scripts/backupd.mjs'])(
  '%s starts by its first line, with the same flags and variable as in a unit of systemd',
  async (file) => {
    const main = fileURLToPath(new URL(`../../${file}`, import.meta.url))
    const tellFlags =
      "data:text/javascript,console.log(process.execArgv.join('%20'));console.log(process.env.MALLOC_MMAP_THRESHOLD_)"
    const env = {
      NODE_OPTIONS: `--import=${tellFlags}`,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    }
    const { stdout, status } = spawnSync(main, ['--version'], { encoding: 'utf8', env })
    const [flags = '', threshold] = stdout.split('\n', 2)
    expect([status, flags]).toEqual([0, '--max-semi-space-size=4 --heap-growing-percent=50'])
    const unit = await readFile(new URL('../../docs/commands.md', import.meta.url), 'utf8')
    expect(unit).toContain(`node ${flags} /opt/backupd/dist/main.js`)
    expect(unit).toContain(`\nEnvironment=MALLOC_MMAP_THRESHOLD_=${threshold}\n`)
  },
)

test('npx says what to do before the first build, and finds the program after it', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const checkout = join(folder, 'checkout')
  for (const file of ['package.json', 'scripts/backupd.mjs']) await cp(join(root, file), join(checkout, file))
  const env = { PATH: process.env.PATH, HOME: folder, npm_config_cache: join(folder, 'cache') }
  const npx = () =>
    spawnSync('npx', ['backupd', '--version'], { cwd: checkout, encoding: 'utf8', env, timeout: 50_000 })
  const before = npx()
  expect([before.status, before.stderr]).toEqual([
    1,
    expect.stringContaining('run `npm ci && npm run build`'),
  ])
  await cp(join(root, 'dist'), join(checkout, 'dist'), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  expect(npx()).toMatchObject({ status: 0, stdout: '0.1.0\n' })
})
