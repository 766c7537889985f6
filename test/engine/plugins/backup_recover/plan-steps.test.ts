import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { planStepsPlugin } from '../../../../src/engine/plugins/plan_steps/plugin.ts'
import { type KeptStep, type StepPage, stepPageSchema } from '../../../../src/wire/planned-step.ts'
import { given } from '../../../support/given.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')
const TIME = 1_700_000_000
const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `${prefix} ${String(n).padStart(4, '0')}`)

/** A volume that was emptied, filled and altered since its backup. */
async function makePlanned(mode: 'full' | 'increment') {
  const world = await shop.plugins()
  const { volume, settings, backUp, recover } = world
  const put = (name: string, content: string) => {
    writeFileSync(join(volume, name), content)
    utimesSync(join(volume, name), TIME, TIME)
  }
  mkdirSync(volume, { recursive: true })
  for (const name of [...names(1200, 'lost'), 'changed', 'altered', 'same']) put(name, '12345')
  const { result } = await backUp({ mode })
  for (const name of names(1200, 'lost')) rmSync(join(volume, name))
  for (const name of names(700, 'since\n')) put(name, '1')
  put('changed', '123')
  chmodSync(join(volume, 'altered'), 0o600)
  const backup = result.backup?.name ?? ''
  const plan = (rid: string) => recover(backup, { plan: true }, { rid })
  const ask = async (question: object): Promise<StepPage> =>
    stepPageSchema.parse((await runPlugin(planStepsPlugin, settings, { args: { ...question } })).result)
  return { ...world, plan, ask }
}

async function readAll(ask: (question: object) => Promise<StepPage>, question: object) {
  const steps: KeptStep[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: StepPage = await ask({ ...question, after })
    if (page.next === after) throw new Error(`the page after ${after} ends where it begins`)
    steps.push(...page.steps)
    after = page.next
  }
  return steps
}

const print = ({ kind, path, bytes }: KeptStep) => `${kind} ${path} ${bytes}`

test.each(['full', 'increment'] as const)(
  'all steps of a plan can be read in pages, what would be lost first (%s)',
  async (mode) => {
    const { plan, ask } = await makePlanned(mode)
    const { result } = await plan('r1')
    const counts = {
      create: 1200,
      overwrite: 2,
      onlyMetadata: 1,
      delete: 700,
      unchanged: 1,
      bytesDeleted: 700,
    }
    expect(result.plan).toMatchObject(counts)
    const expected = [
      ...names(700, 'since\\x0a').map((name) => `delete ${name} 1`),
      'overwrite changed 5',
      'metadata altered 5',
      ...names(1200, 'lost').map((name) => `create ${name} 5`),
    ]
    for (const limit of [1000, 701, 97]) {
      const steps = await readAll(ask, { rid: 'r1', limit })
      expect(steps.map(print).sort()).toEqual(expected.sort())
      expect(steps.slice(699, 703).map(({ kind }) => kind)).toEqual([
        'delete',
        'overwrite',
        'metadata',
        'create',
      ])
    }
    const altered = await readAll(ask, { rid: 'r1', kind: 'metadata' })
    expect(altered.map(print)).toEqual(['metadata altered 5'])
    const [, second] = (await ask({ rid: 'r1', kind: 'delete', limit: 2 })).steps
    const third = await ask({ rid: 'r1', kind: 'delete', limit: 1, after: second?.place })
    expect(third.steps.map(print)).toEqual([`delete ${names(3, 'since\\x0a')[2]} 1`])
  },
)

test('a place between two steps is the only one after which a page begins', async () => {
  const { plan, ask } = await makePlanned('increment')
  await plan('r1')
  for (const after of [
    'delete.3',
    'delete.99999999',
    'delete.-1',
    'delete',
    'steal.0',
    'delete.1e3x',
    '../x.0',
  ])
    await expect(ask({ rid: 'r1', after })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  for (const rid of ['../../x', '.', 'a/b'])
    await expect(ask({ rid })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(ask({ rid: 'r2' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('the steps of the last hundred plans are kept, and what a killed run left is removed later', async () => {
  const { plan, settings } = await makePlanned('increment')
  const folder = join(settings.dataDir, 'plan-steps')
  mkdirSync(join(folder, 'killed.part'), { recursive: true })
  mkdirSync(join(folder, 'running.part'))
  utimesSync(join(folder, 'killed.part'), TIME, TIME)
  for (let n = 1; n <= 102; n++) await plan(`r${n}`)
  const kept = readdirSync(folder)
  expect([kept.length, kept.includes('killed.part'), kept.includes('running.part')]).toEqual([
    101,
    false,
    true,
  ])
  expect([kept.includes('r1'), kept.includes('r102')]).toEqual([false, true])
})

test('a step that was damaged on the disk is left out, and named', async () => {
  const { plan, ask, settings } = await makePlanned('increment')
  await plan('r1')
  const file = join(settings.dataDir, 'plan-steps/r1/overwrite')
  appendFileSync(file, 'nonsense\n["whole",1]\n["cut off')
  const { steps, setAside } = await ask({ rid: 'r1', kind: 'overwrite' })
  expect(steps.map(print)).toEqual(['overwrite changed 5', 'overwrite whole 1'])
  expect(setAside).toHaveLength(1)
})

test('a plan says what room it needs, what is free, and which processes would refuse it', async () => {
  const { plan, volume } = await makePlanned('increment')
  const user = spawn('sleep', ['600'], { cwd: volume })
  onTestFinished(() => void user.kill('SIGKILL'))
  const { result } = await plan('r1')
  const { bavail, bsize } = statfsSync(volume)
  expect(result.plan?.room?.needed).toEqual({ bytes: 1203 * 5, files: 1203 })
  expect(Math.abs((result.plan?.room?.free.bytes ?? 0) - bavail * bsize)).toBeLessThan(1 << 30)
  expect(result.plan?.users).toEqual({
    count: 1,
    first: [{ pid: user.pid, command: 'sleep', what: 'working directory' }],
  })
})

test('a plan is made although its steps cannot be kept, and says so', async () => {
  const { plan, ask, settings } = await makePlanned('increment')
  writeFileSync(join(settings.dataDir, 'plan-steps'), 'in the way')
  const { state, warnings, result } = await plan('r1')
  expect([state, result.plan?.delete]).toEqual(['success', 700])
  expect(warnings).toEqual([expect.stringContaining('not all steps of the plan are kept: ')])
  rmSync(join(settings.dataDir, 'plan-steps'))
  await expect(ask({ rid: 'r1' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test.skipIf(!canMount)('keeping steps ends before the data directory is full (needs mounts)', async () => {
  const { plan, ask, settings } = await makePlanned('increment')
  onTestFinished(mountTmpfs(join(settings.dataDir, 'plan-steps'), 'size=16m'))
  expect(await plan('r1')).toMatchObject({
    state: 'success',
    warnings: [
      expect.stringContaining('not all steps of the plan are kept: the data directory has too little room'),
    ],
  })
  expect((await ask({ rid: 'r1' })).steps).toEqual([])
})
