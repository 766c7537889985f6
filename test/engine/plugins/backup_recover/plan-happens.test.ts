import { chmodSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RecoverAction } from '../../../../src/resolvers/enums/recover-enums.ts'
import { toPlannedRecover } from '../../../../src/resolvers/recover-plan-mapper.ts'
import { type RecoverPlan, recoverPlanSchema } from '../../../../src/wire/snapshot.ts'
import { given } from '../../../support/given.ts'
import { RandomEdits } from '../../../support/random-edits.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

interface Facts {
  content: string
  metadata: string
  /** Of a file of one name: plans count the content of several names in different ways. */
  size: number | null
}

/** What a plan compares of each path. */
function factsOf(folder: string): Map<string, Facts> {
  const names = readdirSync(folder, { recursive: true }).map(String)
  return new Map(names.map((name) => [name, describe(join(folder, name))]))
}

function describe(path: string): Facts {
  const stat = lstatSync(path, { bigint: true })
  const { mode, uid, gid, mtimeNs } = stat
  const metadata = `${mode & 0o7777n} ${uid} ${gid}`
  if (stat.isDirectory()) return { content: 'directory', metadata, size: 0 }
  if (stat.isSymbolicLink())
    return { content: `link ${readlinkSync(path)}`, metadata: `${uid} ${gid} ${mtimeNs}`, size: 0 }
  const size = stat.nlink > 1 ? null : stat.isFile() ? Number(stat.size) : 0
  return { content: `${mode & 0o170000n} ${stat.size} ${mtimeNs}`, metadata, size }
}

interface Round {
  before: Map<string, Facts>
  after: Map<string, Facts>
}

/** What became of the paths of a volume, each with its size. */
function listHappened({ before, after }: Round) {
  const common = [...before.keys()].filter((path) => after.has(path))
  const hasSame = (fact: 'content' | 'metadata', path: string) =>
    before.get(path)?.[fact] === after.get(path)?.[fact]
  const overwrite = common.filter((path) => !hasSame('content', path))
  const metadata = common.filter((path) => hasSame('content', path) && !hasSame('metadata', path))
  const made = [...after.keys()].filter((path) => !before.has(path))
  const gone = [...before.keys()].filter((path) => !after.has(path))
  const sized = (paths: string[], facts = after) =>
    paths.map((path) => `${path} ${facts.get(path)?.size}`).sort()
  return {
    create: sized(made),
    overwrite: sized(overwrite),
    metadata: sized(metadata),
    delete: sized(gone, before),
    unchanged: common.length - overwrite.length - metadata.length,
  }
}

function listPlan(plan: RecoverPlan, { before, after }: Round) {
  const { steps, unchanged } = toPlannedRecover(plan, { rid: '', server: '' })
  const of = (action: RecoverAction, facts = after) =>
    steps
      .filter((step) => step.action === action)
      .map(({ path, size }) => `${path} ${facts.get(path)?.size === null ? null : size}`)
      .sort()
  return {
    create: of('create'),
    overwrite: of('overwrite'),
    metadata: of('metadata'),
    delete: of('delete', before),
    unchanged,
  }
}

const SEEDS = Array.from({ length: 10 }, (_, n) => n + 1)
const VOLUMES = (['full', 'increment'] as const).flatMap((mode) => SEEDS.map((seed) => ({ mode, seed })))

// Five volumes for each seed: fifty for each kind of backup.
test.each(VOLUMES)(
  'what the plan of a recover says is what happens ($mode, seed $seed)',
  async ({ mode, seed }) => {
    const { volume, backUp, recover } = await shop.plugins()
    const edits = new RandomEdits(volume, seed)
    edits.start()
    edits.edit(20)
    const { result } = await backUp({ mode })
    const name = result.backup?.name ?? ''
    for (let round = 1; round <= 5; round++) {
      edits.edit(20)
      const [altered = ''] = [...factsOf(volume)].filter(([, { size }]) => size).map(([path]) => path)
      chmodSync(join(volume, altered), 0o500 + round)
      const before = factsOf(volume)
      const planned = await recover(name, { plan: true })
      const untouched = factsOf(volume)
      const { state } = await recover(name, { planHash: planned.result.plan?.planHash })
      const after = factsOf(volume)
      const plan = listPlan(recoverPlanSchema.parse(planned.result.plan), { before, after })
      const happened = listHappened({ before, after })
      expect({ untouched, state, plan }).toEqual({ untouched: before, state: 'success', plan: happened })
    }
  },
)
