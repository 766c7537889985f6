import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Cluster, digestOfArchive, NODES, startCluster } from '../support/cluster.ts'
import { describeMooseFs } from '../support/describe-moosefs.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { makeNastyTree } from '../support/tree-make.ts'

/** Enough to be still under way when the master is stopped. */
const BIG = 160 << 20
const TEST_MS = 240_000
/** A run that a dead master holds up ends when mfsmount gives up, after two minutes at most. */
const LONG = { timeout: 170_000, interval: 200 }

interface Job {
  job: { id: string; args: { instanceNo: number; volume: string; mode: string } }
}

interface RunRecord {
  state: string
  reason: string
  result?: { file?: string }
}

interface Manifest {
  sha256: string
  size: number
  durability: string
}

describeMooseFs('a cluster on a MooseFS', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster(await spec())
    makeVolume(1)
    makeVolume(2)
    writeFileSync(join(cluster.volume(1, 'big'), 'file'), randomBytes(BIG))
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  async function spec() {
    const file = new URL('../fixtures/wire/backupspec.json', import.meta.url)
    const recorded = JSON.parse(readFileSync(file, 'utf8'))
    return {
      'hello.web.web': [1, 2].map((instance) => ({
        ...recorded['hello.web.web'][instance - 1],
        Annotation: JSON.stringify({
          backup: ['/db', '/big', '/files'].map((volume) => ({
            procname: 'hello.web.web',
            volume,
            schedule: '0 5 * * *',
            expire: '30d',
            mode: volume === '/files' ? 'increment' : 'full',
            preRun: '',
            postRun: '',
          })),
        }),
      })),
    }
  }

  function makeVolume(instance: number): void {
    for (const name of ['db', 'files']) {
      const folder = cluster.volume(instance, name)
      mkdirSync(dirname(folder), { recursive: true })
      if (instance === 1) makeNastyTree(folder)
      else mkdirSync(folder)
    }
    mkdirSync(cluster.volume(instance, 'big'))
    writeFileSync(join(cluster.volume(instance, 'big'), 'before'), `instance ${instance}`)
  }

  async function jobs(): Promise<Job[]> {
    const { status, body } = await cluster.ask('GET', '/api/v2/app/hello/cron/jobs')
    return status === 200 ? (body as Job[]) : []
  }

  /** Runs the job of a volume as old scripts do. */
  async function ask(instance: number, volume: string) {
    const found = (await jobs()).find(
      ({ job }) => job.args.instanceNo === instance && job.args.volume === volume,
    )
    return await cluster.ask('POST', `/api/v2/app/hello/cron/jobs/${found?.job.id}/actions/run`)
  }

  /** @returns its rid */
  async function run(instance: number, volume: string): Promise<string> {
    const { status, body } = await ask(instance, volume)
    expect({ status, body }).toMatchObject({ status: 200 })
    return body as string
  }

  async function migrate(name: string, volume: string, more: Record<string, string> = {}): Promise<string> {
    const path = `/api/v2/app/hello/proc/web/backups/${name}/actions/migrate`
    const { status, body } = await cluster.ask('POST', path, { volume, to: '2', ...more })
    expect(status).toBe(200)
    return body as string
  }

  async function record(rid: string): Promise<RunRecord> {
    const { body } = await cluster.ask('GET', `/api/v2/app/hello/cron/records/${rid}`)
    return body as RunRecord
  }

  async function ended(rid: string): Promise<RunRecord> {
    await expect.poll(async () => (await record(rid)).state, LONG).not.toBe('running')
    return record(rid)
  }

  async function succeeded(rid: string): Promise<string> {
    expect(await ended(rid)).toMatchObject({ state: 'success', reason: '' })
    return (await record(rid)).result?.file ?? ''
  }

  const folderOf = (node: 0 | 1, viewer: 0 | 1 = node) =>
    join(cluster.store(cluster.nodes[viewer]), NODES[node])

  /** The archive is what its manifest says, and any tar reads it. */
  function proveWhole(path: string): Manifest {
    const manifest = JSON.parse(readFileSync(`${path}.manifest.json`, 'utf8')) as Manifest
    expect(statSync(path).size).toBe(manifest.size)
    expect(digestOfArchive(path)).toBe(manifest.sha256)
    return manifest
  }

  /** At work by now: what it does next needs the master, though not at once. */
  async function begun(rid: string): Promise<void> {
    const query = 'query ($rid: ID!) { record(rid: $rid) { progress { phase } } }'
    const phase = async () =>
      (await cluster.graphql<{ record: { progress: { phase: string } | null } }>(query, { rid })).record
        .progress?.phase
    await expect.poll(phase, { ...LONG, interval: 20 }).toEqual(expect.any(String))
  }

  /** While the master is away, everybody answers within ten seconds, and says nothing wrong. */
  async function askEverybody(): Promise<void> {
    const answers = await Promise.all([
      cluster.askDaemon(0, '/healthz'),
      cluster.askDaemon(0, '/api/v1/debug'),
      cluster.askDaemon(0, '/api/v1/backup/json'),
      cluster.askDaemon(1, '/api/v1/debug'),
      cluster.askDaemon(1, '/api/v1/backup/json'),
      cluster.ask('GET', '/api/v2/app/hello/cron/jobs'),
      cluster.ask('GET', '/api/v2/app/hello/proc/web/backups'),
      cluster.ask('GET', `/api/v2/server/${NODES[0]}/debug`),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 503, 200, 503, 200, 200, 200])
  }

  it('the controller sends the jobs of lainlet to both machines, whatever lainlet does', async () => {
    await expect.poll(async () => (await jobs()).length, LONG).toBe(6)
    const servers = async () =>
      (
        await cluster.graphql<{ servers: { ip: string; store: { driver: string } | null }[] }>(
          '{ servers { ip store { driver } } }',
        )
      ).servers.map(({ ip, store }) => `${ip} ${store?.driver}`)
    await expect.poll(servers, LONG).toEqual(NODES.map((ip) => `${ip} moosefs`))
    cluster.lainlet({ misbehave: 'garbage' })
    cluster.lainlet({ cut: true })
    expect(await jobs()).toHaveLength(6)
    cluster.lainlet({ misbehave: null })
    cluster.lainlet({ cut: true })
    expect(await jobs()).toHaveLength(6)
  })

  it('a backup into MooseFS migrates to the other machine unchanged', async () => {
    const name = await succeeded(await run(1, '/db'))
    expect(proveWhole(join(folderOf(0, 1), name))).toMatchObject({ durability: 'acknowledged' })
    await succeeded(await migrate(name, '/db'))
    expect(compareTrees(cluster.volume(1, 'db'), cluster.volume(2, 'db'))).toEqual([])
  })

  it('increments in MooseFS migrate to the other machine unchanged', async () => {
    await succeeded(await run(1, '/files'))
    writeFileSync(join(cluster.volume(1, 'files'), 'later'), 'made between two increments')
    const series = await succeeded(await run(1, '/files'))
    await succeeded(await migrate(series, '/files', { files: '*' }))
    const now = () =>
      compareTrees(cluster.volume(1, 'files'), cluster.volume(2, 'files'), { ignoreRoot: true })
    expect(now()).toEqual([])
    writeFileSync(join(cluster.volume(2, 'files'), 'intruder'), 'x')
    const mutation = 'mutation ($input: MigrateInput!) { migrate(input: $input) { rid } }'
    const input = { app: 'hello', proc: 'web', backup: series, to: 2, volume: '/files' }
    const answer = await cluster.graphql<{ migrate: { rid: string } }>(mutation, { input })
    await succeeded(answer.migrate.rid)
    expect(compareTrees(cluster.volume(1, 'files'), cluster.volume(2, 'files'))).toEqual([])
  })

  it(
    'if the master stops during a backup, nothing incomplete succeeds, and later all works',
    async () => {
      const rid = await run(1, '/big')
      await begun(rid)
      cluster.moosefs.stopMaster()
      await askEverybody()
      expect((await record(rid)).state).not.toBe('success')
      cluster.moosefs.startMaster()
      const { state, result } = await ended(rid)
      const listed = readdirSync(folderOf(0)).filter((name) => /-big-\d+\.tar\.gz$/.test(name))
      expect(listed).toEqual(state === 'success' ? [result?.file] : [])
      for (const name of listed) proveWhole(join(folderOf(0, 1), name))
      const next = await succeeded(await run(1, '/big'))
      proveWhole(join(folderOf(0, 1), next))
      expect(readdirSync(folderOf(0)).filter((name) => name.includes('.part-'))).toEqual([])
    },
    TEST_MS,
  )

  it(
    'if the master stops during a recover, the volume has the old or the new content',
    async () => {
      const name = await succeeded(await run(1, '/big'))
      const old = `${cluster.volume(2, 'big')}-old`
      execFileSync('cp', ['-a', cluster.volume(2, 'big'), old])
      const rid = await migrate(name, '/big')
      await begun(rid)
      cluster.moosefs.stopMaster()
      await askEverybody()
      cluster.moosefs.startMaster()
      const { state } = await ended(rid)
      const differences = (expected: string) =>
        compareTrees(expected, cluster.volume(2, 'big'), { ignoreRoot: true })
      expect(differences(state === 'success' ? cluster.volume(1, 'big') : old)).toEqual([])
      await succeeded(await migrate(name, '/big'))
      expect(differences(cluster.volume(1, 'big'))).toEqual([])
      rmSync(old, { recursive: true })
    },
    TEST_MS,
  )

  it(
    'a daemon that starts without the master answers, and works when it is back',
    async () => {
      cluster.moosefs.stopMaster()
      await cluster.restartDaemon(0)
      expect((await cluster.askDaemon(0, '/api/v1/debug')).status).toBe(200)
      await expect.poll(async () => (await cluster.askDaemon(0, '/healthz')).status, LONG).toBe(200)
      expect((await cluster.askDaemon(0, '/api/v1/backup/json')).status).toBe(503)
      cluster.moosefs.startMaster()
      const backups = async () => (await cluster.askDaemon(0, '/api/v1/backup/json')).status
      await expect.poll(backups, LONG).toBe(200)
      // It looks for the store again now and then, and runs nothing before it found it.
      const debug = async () => (await cluster.askDaemon(0, '/api/v1/debug')).body
      await expect.poll(debug, LONG).toMatchObject({ crond_status: 'started' })
      await expect.poll(async () => (await jobs()).length, LONG).toBe(6)
      let rid = ''
      const accepted = async () => {
        const { status, body } = await ask(1, '/db')
        rid = String(body)
        return { status, body }
      }
      await expect.poll(accepted, LONG).toMatchObject({ status: 200 })
      proveWhole(join(folderOf(0, 1), await succeeded(rid)))
    },
    TEST_MS,
  )

  it(
    'if the mount disappears, runs say so, nothing is written below it, and later all works',
    async () => {
      const [first] = cluster.nodes
      first.unmount()
      const refused = await ended(await run(1, '/db'))
      expect(refused.state).toBe('failed')
      expect(refused.reason).toContain('is not on a mounted MooseFS')
      mkdirSync(cluster.store(first), { recursive: true })
      expect((await ended(await run(1, '/db'))).reason).toContain('is not on a mounted MooseFS')
      expect(readdirSync(first.dir, { recursive: true })).toEqual(['lain', 'lain/backup'])
      rmSync(join(first.dir, 'lain'), { recursive: true })
      first.mount()
      proveWhole(join(folderOf(0, 1), await succeeded(await run(1, '/db'))))
    },
    TEST_MS,
  )
})
