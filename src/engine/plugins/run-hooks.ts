import { createPlaces } from '../../hooks/create-places.ts'
import type { HookReport } from '../../hooks/describe-call.ts'
import type { HookPlace } from '../../hooks/hook-place.ts'
import { makeHookRun } from '../../hooks/make-hook-run.ts'
import { OPENING, VolumeHooks } from '../../hooks/volume-hooks.ts'
import { hasCode, messageOf } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import { type Hook, type HookState, parseHook, type WrittenHook } from '../../wire/hook.ts'
import { type HookRun, MAX_HOOK_RUNS } from '../../wire/record.ts'
import type { RunContext } from '../plugin.ts'
import { describeUnsaved, logHook } from './hook-reports.ts'

const STILL_OWED = 'it is tried again until it can be run, and the volume is locked until then'

export interface HookedRun {
  /** Real path. */
  volume: string
  written: readonly WrittenHook[]
  containers: readonly string[]
  /** Besides what each hook gets. */
  env: Readonly<Record<string, string>>
  warn(message: string): void
}

/**
 * Checks where the hooks of a run would run, before any of them does.
 * Throws FORBIDDEN, NOT_FOUND, CONFLICT, HOOK_FAILED.
 */
export async function openRunHooks(run: HookedRun, context: RunContext): Promise<RunHooks> {
  const { written, containers } = run
  const { settings, clock } = context
  if (written.length === 0) return new RunHooks(run, context)
  const world = { clock, alive: countStep }
  const places = createPlaces({ containers, settings: settings.hooks ?? {}, world })
  if ('reason' in places) return new RunHooks(run, context, { whyNot: places.reason })
  const hooks = written.map(parseHook)
  return new RunHooks(run, context, { hooks, places: await findUsable(places, hooks, run.warn) })
}

async function findUsable(
  places: readonly HookPlace[],
  hooks: readonly Hook[],
  warn: HookedRun['warn'],
): Promise<HookPlace[]> {
  const usable: HookPlace[] = []
  for (const place of places) {
    const whyNot = await place.check(hooks)
    if (whyNot === undefined) usable.push(place)
    else warn(whyNot)
  }
  return usable
}

interface HookParts {
  hooks?: readonly Hook[]
  places?: readonly HookPlace[]
  whyNot?: string
}

/** The hooks of one run, and what its record says of them. */
export class RunHooks {
  /** Why none is run; undefined if they are, or if there are none. */
  readonly whyNotRun: string | undefined
  /** Those that have ended, for the record. */
  readonly ended: HookRun[] = []
  readonly #run: HookedRun
  readonly #context: RunContext
  readonly #hooks: VolumeHooks | undefined
  #failures: string[] = []
  #isUnsaved = false

  constructor(run: HookedRun, context: RunContext, { hooks = [], places = [], whyNot }: HookParts = {}) {
    this.#run = run
    this.#context = context
    this.whyNotRun = whyNot
    if (places.length > 0) this.#hooks = this.#openHooks(hooks, places)
  }

  /** Runs `pre_run` or `pre_recover` everywhere. Throws HOOK_FAILED. From now on, finish() must be called. */
  async begin(backup: string): Promise<void> {
    if (!this.#hooks) return
    this.#context.owes?.(this.#hooks.closingMs)
    await this.#hooks.begin(backup)
  }

  /** Runs `post_run`, because the volume has been read. Returns the failures that count. */
  async afterReading(): Promise<string[]> {
    if (!this.#hooks) return []
    // What cannot be run now is tried again by finish().
    await this.#hooks.run('post_run')
    return this.#takeFailures()
  }

  /** Runs what is still owed. Returns the failures that count, and were not returned before. */
  async finish(state: HookState): Promise<string[]> {
    if (!this.#hooks) return []
    // A backup is stored by now, or there is an error that says more.
    const problems = await this.#hooks.finish(state).catch((error: unknown) => [messageOf(error)])
    if (problems.length === 0) this.#context.owes?.(0)
    return [...this.#takeFailures(), ...problems.map((problem) => `${problem}; ${STILL_OWED}`)]
  }

  #openHooks(hooks: readonly Hook[], places: readonly HookPlace[]): VolumeHooks {
    const { settings, clock, signal, rid, progress } = this.#context
    const { volume, env } = this.#run
    const start = { format: 1, state: 'running' } as const
    return new VolumeHooks(
      { ...start, rid, volume, env: { ...env }, hooks: [...hooks], begun: [], calls: [] },
      {
        clock,
        alive: countStep,
        dataDir: settings.dataDir,
        places,
        signal,
        onBegin: () => progress({ phase: 'hooks', currentPath: null }),
        onEnd: (report) => this.#noteEnd(report),
        onUnsaved: (error) => this.#noteUnsaved(error),
      },
    )
  }

  #noteEnd(report: HookReport): void {
    const { word, policy, failure } = report
    logHook(report, this.#context)
    if (this.ended.length < MAX_HOOK_RUNS) this.ended.push(makeHookRun(report))
    this.#context.keepResult?.({ hooks: [...this.ended] })
    if (failure === '') return
    if (policy === 'warn') this.#run.warn(failure)
    // A failed opening hook is the error of the run.
    else if (!OPENING.includes(word)) this.#failures.push(failure)
  }

  #noteUnsaved(error: unknown): void {
    if (!this.#isUnsaved) this.#run.warn(describeUnsaved(error))
    this.#isUnsaved = true
  }

  #takeFailures(): string[] {
    const failures = this.#failures
    this.#failures = []
    return failures
  }
}

/** If `act` throws, the hooks that close what was begun are run before this throws the same. */
export async function closeOnFailure<T>(
  hooks: RunHooks,
  { signal, warn }: Pick<RunContext, 'signal' | 'warn'>,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    const isCancelled = signal.aborted && hasCode(signal.reason, 'CANCELLED')
    for (const failure of await hooks.finish(isCancelled ? 'cancelled' : 'failed')) warn(failure)
    throw error
  }
}
