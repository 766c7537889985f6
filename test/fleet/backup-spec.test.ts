import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makePlan } from '../../src/domain/make-plan.ts'
import { readBackupSpec } from '../../src/fleet/backup-spec.ts'
import { listLegacyJobs } from '../../src/rest-compat/legacy/job.ts'
import { jobId } from '../../src/wire/ids.ts'

const fixture = (name: string) => readFileSync(`test/fixtures/wire/${name}.json`, 'utf8')

interface RecordedJob {
  id: string
  spec: string
  action: string
  args: Record<string, unknown>
}

const entry = (more: object = {}) => ({
  procname: 'hello.web.web',
  volume: '/data/db',
  schedule: '0 5 * * *',
  expire: '30d',
  ...more,
})
const pod = (backup: unknown, more: object = {}) => ({
  Annotation: JSON.stringify({ backup }),
  Containers: [{ Id: 'c1', Ip: '172.20.0.11', NodeIp: '10.77.0.11', NodeName: 'node1' }],
  InstanceNo: 1,
  ...more,
})
const GOOD = pod([entry()])

function read(document: unknown) {
  return readBackupSpec(JSON.stringify(document))
}

function volumesOf(document: unknown): string[] {
  const { volumes } = makePlan(read(document).inventory, '/data/lain/volumes')
  return volumes.map(({ server, path }) => `${server}:${path}`)
}

test('the recorded document gives the recorded jobs with their recorded ids', () => {
  const { inventory, faults } = readBackupSpec(fixture('backupspec'))
  expect(faults).toEqual([])
  const { servers, jobsByServer } = makePlan(inventory, '/data/lain/volumes')
  const exchanges = JSON.parse(fixture('controller')) as { name: string; body: unknown }[]
  const recorded = exchanges.find(({ name }) => name === 'v1 all jobs')?.body as Record<string, RecordedJob[]>
  for (const [ip, jobs] of Object.entries(recorded)) {
    const ours = listLegacyJobs(jobsByServer.get(ip) ?? [])
    expect(ours.map(({ job: { id, spec, action } }) => ({ id, spec, action })).sort(byId)).toEqual(
      jobs.map(({ id, spec, action }) => ({ id, spec, action })).sort(byId),
    )
  }
  expect([...servers.keys()].sort()).toEqual(Object.keys(recorded).sort())
})

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}

test('a proc without a mode is backed up in full; hooks and several schedules of a volume are kept', () => {
  const { inventory } = read({
    'hello.web.web': [
      pod([entry({ preRun: 'a.sh', postRun: 'b.sh' }), entry({ mode: 'increment', schedule: '@hourly' })]),
    ],
  })
  expect(inventory.apps[0]?.procs[0]?.instances[0]?.volumes).toEqual([
    {
      name: '/data/db',
      path: null,
      schedules: [
        {
          mode: 'full',
          namesNoMode: true,
          spec: '0 5 * * *',
          expire: '30d',
          preRun: 'a.sh',
          postRun: 'b.sh',
        },
        { mode: 'increment', spec: '@hourly', expire: '30d', preRun: '', postRun: '' },
      ],
    },
  ])
})

test('a job without a mode has the id that the legacy system gives it', () => {
  const { inventory } = read({ 'hello.web.web': [pod([entry()])] })
  const job = makePlan(inventory, '/data/lain/volumes').volumes[0]?.jobs[0]
  const { mode, ...args } = job?.job.args ?? {}
  expect(mode).toBe('full')
  const schedule = { spec: '0 5 * * *', action: 'backup', args: { ...args, mode: '' } }
  expect(job?.id).toBe(jobId(job?.server ?? '', schedule))
})

test('a volume with an extra slash has the path that the legacy system uses', () => {
  const { inventory } = read({ 'hello.web.web': [pod([entry({ volume: 'data//db/' })])] })
  const job = makePlan(inventory, '/data/lain/volumes').volumes[0]?.jobs[0]
  expect(job?.job.args).toMatchObject({
    archive: 'hello-hello.web.web-1-data-db',
    path: '/data/lain/volumes/hello/hello.web.web/1/data/db',
    volume: 'data//db/',
  })
})

test('pods without backups give no faults, whatever they are', () => {
  const quiet = { Annotation: '{"mountpoint":[]}', Containers: null, InstanceNo: 1 }
  expect(read({ 'a.b.c.d': [quiet], x: null, y: [{ ...quiet, Annotation: '' }, pod(null)], z: [] })).toEqual({
    inventory: { apps: [] },
    faults: [],
  })
})

describe('a fault in one pod is named, and does not affect others', () => {
  test.each<[string, unknown, string]>([
    ['no pod', 7, 'it has another shape: Invalid input'],
    ['no annotation', { ...GOOD, Annotation: null }, 'it has another shape (Annotation)'],
    ['an annotation that is not JSON', { ...GOOD, Annotation: '{"backup":[' }, 'its annotation is not JSON'],
    ['an annotation that is a string', { ...GOOD, Annotation: '"x"' }, 'its annotation is not a JSON object'],
    ['an annotation that is a number', { ...GOOD, Annotation: '7' }, 'its annotation is not a JSON object'],
    ['backups that are not a list', pod({ a: 1 }), 'the "backup" of its annotation is not a list'],
    ['more than 1000 backups', pod(Array(1001).fill(entry())), 'it has more than 1000 backups'],
    ['an instance that is not a number', { ...GOOD, InstanceNo: '1' }, 'it has another shape (InstanceNo)'],
    ['no container', { ...GOOD, Containers: [] }, 'are not on one node with an IPv4 address'],
    [
      'containers on two nodes',
      { ...GOOD, Containers: ['10.0.0.1', '10.0.0.2'].map((NodeIp, n) => ({ Id: `c${n}`, NodeIp })) },
      'are not on one node with an IPv4 address',
    ],
    [
      'a container that is an option',
      { ...GOOD, Containers: [{ Id: '--privileged', NodeIp: '10.0.0.1' }] },
      'it has another shape (Containers.0.Id)',
    ],
    [
      'a node that is not an address',
      { ...GOOD, Containers: [{ Id: 'c', NodeIp: '10.0.0.1@evil:80' }] },
      'are not on one node with an IPv4 address',
    ],
    [
      'a backup that is null',
      pod([null]),
      'Backup 1 of hello.web.web, instance 1, is left out: it has another',
    ],
    ['no expire', pod([entry({ expire: undefined })]), 'it lacks expire'],
    ['nothing but a volume', pod([{ volume: '/x' }]), 'it lacks procname, schedule, expire'],
    ["another app's proc", pod([entry({ procname: 'other.web.web' })]), 'is not a proc of hello'],
    ['a proc that leads out', pod([entry({ procname: 'hello.web.../..' })]), 'is not a proc of hello'],
    ['a volume that leads out', pod([entry({ volume: '/data/../../etc' })]), 'its volume contains ".."'],
    ['a volume that is everything', pod([entry({ volume: '/' })]), 'its volume is the whole machine'],
    ['a volume with a line in it', pod([entry({ volume: '/a\nb' })]), 'its volume has a control character'],
    ['a volume of great length', pod([entry({ volume: `/${'x'.repeat(300)}` })]), 'names that are too long'],
    ['a schedule that is none', pod([entry({ schedule: 'now' })]), 'is left out'],
    ['a mode that is none', pod([entry({ mode: 'half' })]), 'its mode "half" is not known'],
    ['a hook of two lines', pod([entry({ preRun: 'a\nb' })]), 'its hooks have control characters'],
  ])('%s', (_, bad, words) => {
    const document = { 'hello.web.web': [bad, { ...GOOD, InstanceNo: 2 }], 'other.web.web': 'nothing' }
    const { faults } = read(document)
    expect(faults).toHaveLength(2)
    expect(faults[0]).toContain('of hello.web.web, instance ')
    expect(faults[0]).toContain(words)
    expect(faults[1]).toBe('other.web.web is left out: it does not have a list of pods')
    expect(volumesOf(document)).toEqual(['10.77.0.11:/data/lain/volumes/hello/hello.web.web/2/data/db'])
  })

  test('an invalid key is a fault', () => {
    expect(read({ 'a.b.web.web': [GOOD] }).faults).toEqual([
      'The pod of a.b.web.web, instance 1, is left out: its key is not <app>.<type>.<name>',
    ])
  })

  test('a repeated instance is a fault', () => {
    expect(read({ 'hello.web.web': [GOOD, GOOD] }).faults).toEqual([
      'Instance 1 of hello.web.web on 10.77.0.11 is left out: it is there already',
    ])
  })

  test('a backup with an unreadable expire is kept forever', () => {
    const { inventory, faults } = read({ 'hello.web.web': [pod([entry({ expire: 'soon' })])] })
    expect(faults).toEqual([expect.stringMatching(/^The expire of \/data\/db .* Its backups never expire$/)])
    const jobs = makePlan(inventory, '/v').jobsByServer.get('10.77.0.11') ?? []
    expect(listLegacyJobs(jobs).map(({ action, job }) => [action, job.args.info])).toEqual([
      ['backup', undefined],
      ['backup_expire', []],
    ])
  })
})

test('thousands of faults are reported in a few hundred sentences', () => {
  const { faults } = read({ 'hello.web.web': Array(5000).fill(7) })
  expect(faults).toHaveLength(201)
  expect(faults.at(-1)).toBe('… and 4800 more')
})

test.each<[string, string, string]>([
  ['not JSON', '{', 'it sent what is not JSON'],
  ['a list', '[]', 'it sent JSON that is not a map of procs'],
  ['null', 'null', 'it sent JSON that is not a map of procs'],
])('a document that is %s is refused', (_, text, words) => {
  expect(() => readBackupSpec(text)).toThrow(words)
})

test('more volumes than the limit of a controller are refused', () => {
  const many = pod(Array.from({ length: 1000 }, (_, n) => entry({ volume: `/v${n}` })))
  const pods = Array.from({ length: 201 }, (_, n) => ({ ...many, InstanceNo: n }))
  expect(() => read({ 'hello.web.web': pods })).toThrow('it names more than 200000 volumes')
})

test('the verification of a volume is read; one that cannot be read, or differs on the server, is named', () => {
  const verified = (verify: unknown, volume = '/data/db') => entry({ verify, volume })
  const { inventory, faults } = read({
    'hello.web.web': [
      pod([
        verified({ within: '7d', budget: '1TiB' }),
        verified('off', '/logs'),
        verified({ within: 'soon' }, '/tmp'),
        verified({ budget: '2TiB' }, '/var'),
      ]),
    ],
  })
  const volumes = inventory.apps[0]?.procs[0]?.instances[0]?.volumes ?? []
  expect(volumes.map(({ verify }) => verify)).toEqual([
    { withinDays: 7, budgetBytes: 1024 ** 4 },
    'off',
    undefined,
    { budgetBytes: 2 * 1024 ** 4 },
  ])
  expect(faults).toEqual([
    expect.stringContaining(
      'The verify of /tmp of hello.web.web, instance 1, is left out: "soon" is not a number of days',
    ),
    expect.stringContaining('both on 10.77.0.11, name different values of "budget"'),
  ])
})
