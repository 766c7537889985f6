import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomically } from '../../../lib/atomic-file.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { tolerate } from '../../../lib/tolerate.ts'
import { type PathFate, planHashSchema } from '../../../wire/plan-hash.ts'

/** How many plans a daemon remembers; the oldest go first. */
const MAX_KEPT_PLANS = 100
/** Limits of the paths that are remembered of one plan. */
const MAX_KEPT_PATHS = 10_000
const MAX_KEPT_BYTES = 1 << 20

const keptPlanSchema = z.object({
  isComplete: z.boolean(),
  /** In the order of the walk. */
  paths: z.array(z.tuple([z.enum(['delete', 'replace']), z.string()])),
})

/** The first paths that a plan would delete or replace, to say later what changed. */
export type KeptPlan = z.infer<typeof keptPlanSchema>

/** Collects the first paths of a plan within the limits. */
export class KeptPaths {
  readonly plan: KeptPlan = { isComplete: true, paths: [] }
  #bytes = 0

  add(fate: PathFate, path: Buffer): void {
    if (!this.plan.isComplete) return
    this.#bytes += path.length
    this.plan.isComplete = this.plan.paths.length < MAX_KEPT_PATHS && this.#bytes <= MAX_KEPT_BYTES
    if (this.plan.isComplete) this.plan.paths.push([fate, bytesToText(path)])
  }
}

export async function keepPlan(dataDir: string, planHash: string, plan: KeptPlan): Promise<void> {
  const folder = join(dataDir, 'plans')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFileAtomically(join(folder, `${planHash}.json`), JSON.stringify(plan))
  await forgetOldPlans(folder)
}

/** undefined if it is forgotten, was made by another daemon, or is damaged: only the names of a difference need it. */
export async function readKeptPlan(dataDir: string, planHash: string): Promise<KeptPlan | undefined> {
  const file = join(dataDir, 'plans', `${planHashSchema.parse(planHash)}.json`)
  try {
    const text = await readFileIfThere(file)
    return text === undefined ? undefined : keptPlanSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Also removes what a killed run left of a file. */
async function forgetOldPlans(folder: string): Promise<void> {
  const files = (await readdir(folder)).map((name) => join(folder, name))
  if (files.length <= MAX_KEPT_PLANS) return
  const dated: { file: string; age: number }[] = []
  for (const file of files) {
    const found = await tolerate(['ENOENT'], () => stat(file))
    if (found) dated.push({ file, age: found.mtimeMs })
  }
  dated.sort((one, other) => other.age - one.age)
  for (const { file } of dated.slice(MAX_KEPT_PLANS)) await rm(file, { force: true })
}
