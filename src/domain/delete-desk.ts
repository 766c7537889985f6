import { type DeleteKey, describeDeleteKey } from '../wire/delete-plan.ts'

/** How many plans are remembered; the oldest go first. */
const MAX_KEPT_PLANS = 100
/** How much of a plan is remembered. */
const MAX_KEPT_KEYS = 10_000
/** Of all plans. */
const MAX_KEPT_IN_ALL = 100_000
const MAX_NAMED = 12

/** The first things that a plan takes. */
export interface KeptDeletePlan {
  /** Only whoever deletes in this app is told of it. */
  app: string
  isFinal: boolean
  isComplete: boolean
  keys: DeleteKey[]
}

export function keepKey(plan: KeptDeletePlan, key: DeleteKey): void {
  if (plan.keys.length < MAX_KEPT_KEYS) plan.keys.push(key)
  else plan.isComplete = false
}

/** Has deletes wait for each other while they are counted, and remembers plans, only to say what changed since. */
export class DeleteDesk {
  readonly #plans = new Map<string, KeptDeletePlan>()
  #last: Promise<unknown> = Promise.resolve()

  /** Runs one work after another. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  remember(planHash: string, plan: KeptDeletePlan): void {
    this.#plans.delete(planHash)
    this.#plans.set(planHash, plan)
    let keys = 0
    for (const kept of this.#plans.values()) keys += kept.keys.length
    for (const [oldest, kept] of this.#plans) {
      if (this.#plans.size <= MAX_KEPT_PLANS && keys <= MAX_KEPT_IN_ALL) return
      this.#plans.delete(oldest)
      keys -= kept.keys.length
    }
  }

  /** What a delete would take now and in its plan not, and the other way round; undefined if the plan is forgotten. */
  compare(planHash: string, now: KeptDeletePlan): PlanChange | undefined {
    const plan = this.#plans.get(planHash)
    if (plan?.app !== now.app) return undefined
    const [before, after] = [nameKeys(plan), nameKeys(now)]
    return {
      isFinal: plan.isFinal === now.isFinal ? undefined : now.isFinal,
      alsoDelete: plan.isComplete ? leaveOut(after, before) : [],
      noLonger: now.isComplete ? leaveOut(before, after) : [],
    }
  }
}

/** In words, in the order of the plan. */
export interface PlanChange {
  /** Whether it would now be for good; undefined if that did not change. */
  isFinal: boolean | undefined
  alsoDelete: string[]
  noLonger: string[]
}

/** As clauses; empty if nothing of it is known. */
export function describePlanChange({ isFinal, alsoDelete, noLonger }: PlanChange): string[] {
  const how = isFinal === undefined ? [] : [`it would ${isFinal ? 'now' : 'no longer'} delete for good`]
  const kinds = [
    ['it would now also delete', alsoDelete],
    ['it would no longer delete', noLonger],
  ] as const
  const which = kinds.filter(([, names]) => names.length > 0)
  return [...how, ...which.map(([what, names]) => `${what} ${listNamed(names)}`)]
}

function listNamed(names: readonly string[]): string {
  const some = names.slice(0, MAX_NAMED).join(', ')
  return names.length > MAX_NAMED ? `${some} and ${names.length - MAX_NAMED} more` : some
}

function nameKeys({ keys }: KeptDeletePlan): string[] {
  return keys.map(describeDeleteKey)
}

function leaveOut(names: readonly string[], known: readonly string[]): string[] {
  const set = new Set(known)
  return names.filter((name) => !set.has(name))
}
