import { BackupdError, hasCode, messageOf } from '../../../lib/errors.ts'
import type { OpenedBackup } from '../../../store/stored-backup.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { chosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import { describeChangedParts, findChangedParts, type PathFate, PlanHasher } from '../../../wire/plan-hash.ts'
import type { RunContext } from '../../plugin.ts'
import { PlanDifference } from './plan-difference.ts'
import { KeptPaths, keepPlan, readKeptPlan } from './plan-memory.ts'

/** A recover, or its undo, as far as its plan goes. */
export interface PlannedRun {
  args: RecoverArgs
  context: RunContext
  source: Pick<OpenedBackup, 'plan' | 'snapshot'>
  volume: HeldVolume
}

function describeSubject({ args, context, source, volume }: PlannedRun) {
  const { namespace, backup, files, destDir } = args
  const { ip: server } = context.settings
  const path = destDir || volume.path
  return { namespace, backup, files, server, path, snapshot: source.snapshot ?? '' }
}

/** Computes the hash of a plan while that is made. */
export class HashedPlan {
  readonly #run: PlannedRun
  readonly #hasher: PlanHasher
  readonly #kept = new KeptPaths()

  constructor(run: PlannedRun) {
    this.#run = run
    this.#hasher = new PlanHasher(describeSubject(run))
  }

  note(fate: PathFate, path: Buffer): void {
    this.#hasher.add(fate, path)
    this.#kept.add(fate, path)
  }

  /** Remembers the plan, to name later what changed; the hash works without that too. */
  async finish(): Promise<string> {
    const { context } = this.#run
    const planHash = this.#hasher.digest()
    await keepPlan(context.settings.dataDir, planHash, this.#kept.plan).catch((error: unknown) => {
      context.log('warn', `The plan cannot be remembered: ${messageOf(error)}`)
    })
    return planHash
  }
}

/**
 * Compares the quoted plan with what would be deleted and replaced now. Reads the volume's names, not its content.
 * @throws PLAN_STALE with the difference
 */
export async function refuseStalePlan(run: PlannedRun): Promise<void> {
  const { args, context, source, volume } = run
  const { planHash } = args
  if (planHash === undefined) return
  const subject = describeSubject(run)
  const changed = findChangedParts(planHash, subject)
  if (changed.length > 0) throw makeStaleError(describeChangedParts(changed), { changed })
  const kept = await readKeptPlan(context.settings.dataDir, planHash)
  const difference = kept && new PlanDifference(kept)
  const hasher = new PlanHasher(subject)
  await source.plan({
    path: volume.exists ? volume.place : null,
    chosen: args.files && chosenFiles(args.files),
    signal: context.signal,
    warn() {},
    note(fate, path) {
      hasher.add(fate, path)
      difference?.add(fate, path)
    },
  })
  difference?.end()
  if (hasher.digest() !== planHash) throw makeDifferenceError(difference)
}

function makeDifferenceError(difference: PlanDifference | undefined): BackupdError {
  const named = difference?.describe() ?? []
  const why = difference ? 'they are not among its first 10,000' : 'this daemon does not remember the plan'
  const unnamed = `other paths would be deleted or replaced (${why})`
  return makeStaleError(named.length > 0 ? named.join('; ') : unnamed, {
    changed: ['paths'],
    alsoDelete: difference?.alsoDelete.paths ?? [],
    alsoReplace: difference?.alsoReplace.paths ?? [],
    noLonger: difference?.noLonger.paths ?? [],
  })
}

function makeStaleError(what: string, facts: Record<string, string[]>): BackupdError {
  return new BackupdError('PLAN_STALE', `the plan is stale: ${what}. Nothing was changed`, { facts })
}

/** Of a recover that quotes a plan, a backup that does not exist any more makes the plan stale. */
export async function findPlanned<T>({ planHash }: RecoverArgs, find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (planHash === undefined || !hasCode(error, 'NOT_FOUND')) throw error
    throw makeStaleError(`its backup was deleted (${error.message})`, { changed: ['backup'] })
  }
}
