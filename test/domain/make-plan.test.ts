import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { makePlan, makePlanInSlices } from '../../src/domain/make-plan.ts'
import type { Plan, PlannedVolume } from '../../src/domain/plan.ts'
import { listLegacyJobs } from '../../src/rest-compat/legacy/job.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { sampleSchedule } from '../support/given/inventory.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web')

const ROOT = '/data/lain/volumes'

interface RecordedPod {
  Annotation: string
  Containers: { Id: string; NodeIp: string }[]
  InstanceNo: number
}

/** The recorded inventory, as lainlet told it. */
async function recordedInventory(): Promise<Inventory> {
  const text = await readFile(new URL('../fixtures/wire/backupspec.json', import.meta.url), 'utf8')
  const procs = Object.entries(JSON.parse(text) as Record<string, RecordedPod[]>)
  return {
    apps: procs.map(([name, pods]) => ({
      name: name.split('.')[0] ?? '',
      procs: [
        {
          name,
          shortName: name.split('.')[2] ?? '',
          instances: pods.map((pod) => ({
            no: pod.InstanceNo,
            server: pod.Containers[0]?.NodeIp ?? '',
            containers: pod.Containers.map(({ Id }) => Id),
            volumes: JSON.parse(pod.Annotation).backup.map((backup: Record<string, string>) => ({
              name: backup.volume,
              path: null,
              schedules: [
                sampleSchedule({ spec: backup.schedule, expire: backup.expire, mode: backup.mode as 'full' }),
              ],
            })),
          })),
        },
      ],
    })),
  }
}

test('the recorded inventory makes the recorded jobs with their ids and args', async () => {
  const plan = makePlan(await recordedInventory(), ROOT)
  const exchanges = JSON.parse(
    await readFile(new URL('../fixtures/wire/controller.json', import.meta.url), 'utf8'),
  )
  const recorded = exchanges.find((exchange: { name: string }) => exchange.name === 'v1 all jobs').body
  const made = Object.fromEntries(
    [...plan.jobsByServer].map(([ip, jobs]) => [ip, listLegacyJobs(jobs).map(({ job }) => job)]),
  )
  expect(made).toEqual(recorded)
})

test('a job has its documented id, and the jobs of a server that of the server', () => {
  const plan = makePlan(hello.on('10.77.0.11').volume('/data/db').inventory(), ROOT)
  expect(plan.jobs.map(({ id }) => id)).toEqual([
    '0a4d000b-expire',
    '0a4d000b-verify',
    '0a4d000b0b46c535c4493a6b508e69c211c35d81',
  ])
})

test('a version changes only with the jobs', () => {
  const version = (inventory: Inventory) => makePlan(inventory, ROOT).servers.get('10.0.0.1')?.version
  const before = version(hello.on('10.0.0.1').volume('/data/db').inventory())
  expect(version(hello.on('10.0.0.1', '10.0.0.2').volume('/data/db').inventory())).toBe(before)
  expect(version(hello.on('10.0.0.1').volumes('/data/db', '/logs').inventory())).not.toBe(before)
})

test('settings are sent beside the args, and the id of the job stays the same', () => {
  const plain = hello.on('10.0.0.1').volume('/data/db').inventory()
  const strict = hello.on('10.0.0.1').volume('/data/db', { consistency: 'strict' })
  const hooks = { pre_run: { limitSeconds: 90, policy: 'warn' as const } }
  const increment = strict.schedule({ mode: 'increment', timeLimitSeconds: 60, rereadEveryDays: 7, hooks })
  const [planned] = makePlan(increment.inventory(), ROOT).volumes
  expect(planned?.jobs[0]?.job.options).toEqual({
    timeLimitSeconds: 60,
    consistency: 'strict',
    rereadEveryDays: 7,
    hooks,
  })
  const set = strict.schedule({ timeLimitSeconds: 60 }).inventory()
  const ids = (inventory: Inventory) => makePlan(inventory, ROOT).jobs.map(({ id }) => id)
  expect(ids(set)).toEqual(ids(plain))
})

test('the path in the inventory replaces the default path', () => {
  const inventory = hello.on('10.0.0.1').volume('/data/db', { path: '/srv/db' }).inventory()
  const [planned] = makePlan(inventory, ROOT).volumes
  expect(planned?.path).toBe('/srv/db')
  expect(planned?.jobs[0]?.job.args.path).toBe('/srv/db')
})

test('a volume whose backups would have the names of another is left out and named', () => {
  const plan = makePlan(hello.on('10.0.0.1').volumes('/data/db', '/data-db').inventory(), ROOT)
  expect(plan.volumes.map(({ name }) => name)).toEqual(['/data/db'])
  expect(plan.problems).toEqual([
    'Volume /data-db of hello.web.web, instance 1, is left out: its backups would be named like those of /data/db; rename one of them',
  ])
})

test('a volume on a server without an IPv4 address is left out and named', () => {
  const plan = makePlan(hello.on('node1', '10.0.0.2').volume('/data/db').inventory(), ROOT)
  expect([...plan.servers.keys()]).toEqual(['10.0.0.2'])
  expect(plan.problems[0]).toContain('its server "node1" is not an IPv4 address')
})

test('a volume below one of another proc is left out, and both are named, whatever their paths come from', () => {
  const inventory = hello.on('10.0.0.1').volume('/data/db').inventory()
  const [app] = inventory.apps
  const [proc] = app?.procs ?? []
  const [instance] = proc?.instances ?? []
  const [volume] = instance?.volumes ?? []
  if (!app || !proc || !instance || !volume) throw new Error('the inventory is empty')
  const path = `${ROOT}/hello/hello.web.web/1/data/db/ssl`
  const volumes = [{ ...volume, name: '/ssl', path }]
  app.procs.push({ name: 'hello.web.ssl', shortName: 'ssl', instances: [{ ...instance, volumes }] })
  const plan = makePlan(inventory, ROOT)
  expect(plan.volumes.map(({ proc }) => proc)).toEqual(['hello.web.web'])
  expect(plan.problems).toEqual([
    `Volume /ssl of hello.web.ssl, instance 1, is left out: its directory "${path}" on 10.0.0.1 lies in volume ` +
      `/data/db of hello.web.web, instance 1 ("${ROOT}/hello/hello.web.web/1/data/db"); move one of them`,
  ])
})

describe('the verify job of a server', () => {
  const verifyJob = (inventory: Inventory) => {
    const { jobs } = makePlan(inventory, ROOT)
    return jobs.find(({ action }) => action === 'backup_verify_due')?.job
  }

  test('has the sources of its volumes by their within, the first budget, and a time of its own at night', () => {
    const volumes = hello
      .on('10.0.0.1')
      .volume('/a', { path: '/srv/a' })
      .volume('/b', { path: '/srv/b', verify: { withinDays: 7, budgetBytes: 5 } })
      .volume('/c', { path: '/srv/c', verify: 'off' })
      .volume('/d', { path: '/srv/d', verify: { budgetBytes: 9 } })
    expect(verifyJob(volumes.inventory())).toMatchObject({
      id: '0a000001-verify',
      spec: expect.stringMatching(/^[1-5]?\d [1-4] \* \* \*$/),
      args: {
        budgetBytes: 5,
        rules: [
          { withinDays: 30, sources: ['/srv/a', '/srv/d'] },
          { withinDays: 7, sources: ['/srv/b'] },
        ],
      },
    })
    const spec = '0 3 * * 6'
    expect(verifyJob(hello.on('10.0.0.1').volume('/a', { verify: { spec } }).inventory())?.spec).toBe(spec)
  })

  test('does not exist if nothing is to be verified', () => {
    expect(verifyJob(hello.on('10.0.0.1').volume('/a', { verify: 'off' }).inventory())).toBeUndefined()
  })

  test('changes nothing in the version for daemons that do not know it', () => {
    const versions = (verify: 'off' | { withinDays: number }) =>
      makePlan(hello.on('10.0.0.1').volume('/a', { verify }).inventory(), ROOT).servers.get('10.0.0.1')
    const [off, week, month] = [versions('off'), versions({ withinDays: 7 }), versions({ withinDays: 30 })]
    expect(off?.version).toBe(off?.versionWithoutVerify)
    expect(week?.versionWithoutVerify).toBe(off?.version)
    expect(new Set([off?.version, week?.version, month?.version]).size).toBe(3)
  })
})

describe('the drill job of a server', () => {
  const spec = '0 4 * * 0'
  const planOf = (volumes: { inventory(): Inventory }) => makePlan(volumes.inventory(), ROOT)

  test('has the volumes that are to be drilled, and the schedule of the first', () => {
    const { jobs } = planOf(
      hello.on('10.0.0.1').volume('/a', { path: '/srv/a' }).volume('/b', { path: '/srv/b', drill: { spec } }),
    )
    const drill = jobs.find(({ action }) => action === 'backup_drill_due')?.job
    expect(drill).toMatchObject({ id: '0a000001-drill', spec, args: { sources: ['/srv/b'] } })
  })

  test('does not exist by default, and changes nothing in the version for daemons that do not drill', () => {
    const off = planOf(hello.on('10.0.0.1').volume('/a', {})).servers.get('10.0.0.1')
    const on = planOf(hello.on('10.0.0.1').volume('/a', { drill: { spec } })).servers.get('10.0.0.1')
    expect(off?.version).toBe(off?.versionWithoutDrill)
    expect(on?.versionWithoutDrill).toBe(off?.version)
    expect(on?.version).not.toBe(off?.version)
  })
})

describe('a plan made as a difference to the one before', () => {
  /** Apps on three servers; each app has one volume more than its number. */
  function fleet(apps: number): Inventory {
    const all = Array.from({ length: apps }, (_, n) =>
      given
        .app(`app${n}`)
        .proc('web')
        .on(`10.0.0.${(n % 3) + 1}`)
        .volumes(...Array.from({ length: n + 1 }, (_, at) => `/data/${at}`))
        .inventory(),
    )
    return { apps: all.flatMap((one) => one.apps) }
  }

  function withoutParts({ parts: _, ...plan }: Plan) {
    return plan
  }

  test('keeps volumes, jobs and lists of what did not change', async () => {
    const before = makePlan(fleet(6), ROOT)
    const [, ...others] = before.inventory.apps
    const changed = fleet(1).apps
    const after = await makePlanInSlices({ apps: [...changed, ...others] }, ROOT, before)
    expect(withoutParts(after)).toEqual(withoutParts(makePlan({ apps: [...changed, ...others] }, ROOT)))
    const isKept = (volume: PlannedVolume) => before.volumes.includes(volume)
    expect(after.volumes.filter((volume) => !isKept(volume)).map(({ app }) => app)).toEqual(['app0'])
    expect(after.servers.get('10.0.0.2')).toBe(before.servers.get('10.0.0.2'))
    expect(after.servers.get('10.0.0.1')).not.toBe(before.servers.get('10.0.0.1'))
  })

  test('is the same as one made from nothing, whatever apps come, go or collide', async () => {
    const all = fleet(7).apps
    const first = all[0]?.procs[0]
    // Collides with app0 on its server, so either of them is left out, by their order.
    const twin = { name: 'app0', procs: first ? [first] : [] }
    let plan = makePlan({ apps: [] }, ROOT)
    for (let n = 0; n < 40; n++) {
      const apps = [...all, twin].filter((_, at) => (n * 7 + at * at) % 5 > 1)
      if (n % 2 === 1) apps.reverse()
      plan = await makePlanInSlices({ apps }, ROOT, plan)
      expect(withoutParts(plan)).toEqual(withoutParts(makePlan({ apps }, ROOT)))
    }
  })

  test('takes nothing over if the directory of volumes is another', async () => {
    const inventory = fleet(2)
    const moved = await makePlanInSlices(inventory, '/elsewhere', makePlan(inventory, ROOT))
    expect(withoutParts(moved)).toEqual(withoutParts(makePlan(inventory, '/elsewhere')))
  })
})
