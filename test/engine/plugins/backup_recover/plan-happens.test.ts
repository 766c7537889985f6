import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../../../support/given.ts'
import { RandomEdits } from '../../../support/random-edits.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

/** What a plan compares of each path. */
function factsOf(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true }).map(String)
  return new Map(names.map((name) => [name, describe(join(folder, name))]))
}

function describe(path: string): string {
  const stat = lstatSync(path, { bigint: true })
  const { mode, uid, gid, size, mtimeNs } = stat
  if (stat.isDirectory()) return `${mode} ${uid} ${gid}`
  const target = stat.isSymbolicLink() ? readlinkSync(path) : ''
  return `${mode} ${uid} ${gid} ${size} ${mtimeNs} ${target}`
}

/** What became of the paths of a volume. */
function compare(before: Map<string, string>, after: Map<string, string>) {
  const common = [...before.keys()].filter((path) => after.has(path))
  const overwritten = common.filter((path) => before.get(path) !== after.get(path))
  return {
    create: [...after.keys()].filter((path) => !before.has(path)).sort(),
    overwrite: overwritten.sort(),
    delete: [...before.keys()].filter((path) => !after.has(path)).sort(),
    unchanged: common.length - overwritten.length,
  }
}

interface ListedPlan {
  steps: { action: string; path: string }[]
  unchanged: number
}

function listPlan({ steps, unchanged }: ListedPlan) {
  const of = (action: string) => steps.filter((step) => step.action === action).map(({ path }) => path)
  return {
    create: of('create').sort(),
    overwrite: of('overwrite').sort(),
    delete: of('delete').sort(),
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
      const before = factsOf(volume)
      const planned = await recover(name, { plan: true })
      const untouched = factsOf(volume)
      const { state } = await recover(name, { planHash: planned.result.plan?.planHash })
      const plan = listPlan(planned.result.plan as ListedPlan)
      const happened = compare(before, factsOf(volume))
      expect({ untouched, state, plan }).toEqual({ untouched: before, state: 'success', plan: happened })
    }
  },
)
