import { randomBytes } from 'node:crypto'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { HOOK_WORDS, type Hook, type HookState, type HookWord } from '../wire/hook.ts'
import { describeCall, type HookReport } from './describe-call.ts'
import { deleteHookJournal, type HookJournal, type NotedCall, saveHookJournal } from './hook-journal.ts'
import {
  type HookCall,
  type HookEnd,
  type HookPlace,
  type HookWorld,
  PlaceUnavailable,
} from './hook-place.ts'
import { makeHookRun } from './make-hook-run.ts'

export interface VolumeHooksOptions extends HookWorld {
  dataDir: string
  places: readonly HookPlace[]
  /** Of the run; a hook that has to be run after it ignores it. */
  signal?: AbortSignal
  /** Called before a hook is run, or awaited. */
  onBegin?(): void
  /** Called when a hook has ended. */
  onEnd(report: HookReport): void
  /** Called if the journal could not be written: after a crash, hooks are run again that were run already. */
  onUnsaved(error: unknown): void
}

/** The hooks that begin something. */
export const OPENING: readonly HookWord[] = ['pre_run', 'pre_recover']
/** Those that close it, in order. */
const CLOSING: readonly HookWord[] = HOOK_WORDS.filter((word) => !OPENING.includes(word))
/** The ends after which `on_failure` runs. */
const FAILURES: readonly HookState[] = ['failed', 'cancelled']

/** How many calls have their output in the journal, because it is written twice for each call. */
const MAX_NOTED_RUNS = 100

/** The hooks of one run. Every call is in the journal before it begins, and when it has ended. */
export class VolumeHooks {
  readonly #options: VolumeHooksOptions
  readonly #journal: HookJournal

  constructor(journal: HookJournal, options: VolumeHooksOptions) {
    this.#journal = journal
    this.#options = options
  }

  /** How long the hooks may take that must run whatever happens. */
  get closingMs(): number {
    const { hooks } = this.#journal
    const closing = hooks.filter(({ word }) => CLOSING.includes(word))
    const seconds = closing.reduce((sum, { limitSeconds }) => sum + limitSeconds, 0)
    return this.#options.places.length * seconds * 1000
  }

  /** Runs `pre_run` or `pre_recover` in every place, in order. Throws HOOK_FAILED; then finish() closes the places that have begun. */
  async begin(backup: string): Promise<void> {
    this.#journal.env = { ...this.#journal.env, BACKUPD_HOOK_BACKUP: backup }
    for (const place of this.#options.places) {
      this.#options.signal?.throwIfAborted()
      await this.#noteBegin(place)
      const report = await this.#runOwed(place, this.#opening)
      this.#options.signal?.throwIfAborted()
      if (report?.failure && report.policy === 'fail') throw failed(report)
    }
  }

  /** If that is not on disk, nothing may begin there, and nothing is owed. */
  async #noteBegin({ container }: HookPlace): Promise<void> {
    const { begun, rid } = this.#journal
    begun.push(container)
    try {
      await this.#save()
    } catch (error) {
      begun.pop()
      if (begun.length === 0) await deleteHookJournal(this.#options.dataDir, rid).catch(() => {})
      throw error
    }
  }

  /**
   * Runs this hook in every place that has begun, unless it has run there.
   * @returns why it cannot be run now, for each place in which it is still owed
   */
  async run(word: HookWord, places = this.#begunPlaces()): Promise<string[]> {
    const problems: string[] = []
    for (const place of places) problems.push(...(await this.#tryOwed(place, word)))
    return problems
  }

  /**
   * Runs what is still owed when the run has ended so, and forgets the run.
   * @returns why hooks cannot be run now, which are still owed then; empty if nothing is owed
   */
  async finish(state: HookState): Promise<string[]> {
    const journal = this.#journal
    if (journal.begun.length === 0) return []
    if (journal.state === 'running') journal.state = state
    await this.#trySave()
    const problems: string[] = []
    const places: HookPlace[] = []
    for (const place of this.#begunPlaces()) {
      const problem = await this.#awaitBegin(place)
      if (problem === undefined) places.push(place)
      else problems.push(problem)
    }
    for (const word of CLOSING)
      if (word !== 'on_failure' || FAILURES.includes(journal.state))
        problems.push(...(await this.run(word, places)))
    if (problems.length === 0) await deleteHookJournal(this.#options.dataDir, journal.rid)
    return problems
  }

  get #opening(): HookWord {
    return this.#journal.hooks.find(({ word }) => OPENING.includes(word))?.word ?? 'pre_run'
  }

  #begunPlaces(): HookPlace[] {
    return this.#options.places.filter(({ container }) => this.#journal.begun.includes(container))
  }

  /**
   * An opening hook that outlived its daemon must not run beside what closes it.
   * @returns why it is not known whether it still runs; undefined if it does not
   */
  async #awaitBegin(place: HookPlace): Promise<string | undefined> {
    const call = this.#findCall(place, this.#opening)
    const hook = this.#findHook(this.#opening)
    if (!hook || !call || call.ended) return undefined
    this.#options.onBegin?.()
    try {
      const end = await place.resume(this.#makeCall(hook, call), call.handle)
      if (end) await this.#end(hook, call, end)
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  async #tryOwed(place: HookPlace, word: HookWord): Promise<string[]> {
    try {
      await this.#runOwed(place, word)
      return []
    } catch (error) {
      if (error instanceof PlaceUnavailable) return [error.message]
      await this.#giveUp(place, word, messageOf(error))
      return []
    }
  }

  /** The hook can never be run there, so it counts as run, and failed. */
  async #giveUp({ container }: HookPlace, word: HookWord, problem: string): Promise<void> {
    const hook = this.#findHook(word)
    const call = this.#journal.calls.find((one) => one.container === container && one.word === word)
    if (!hook || !call) throw new BackupdError('INTERNAL', problem)
    const end: HookEnd = { how: 'not-begun', exitCode: null, stdout: '', stderr: '', problem }
    await this.#end(hook, call, end)
  }

  /** Runs the hook unless it has ended; a call that an earlier process began is awaited first. */
  async #runOwed(place: HookPlace, word: HookWord): Promise<HookReport | undefined> {
    const hook = this.#findHook(word)
    if (!hook) return undefined
    const before = this.#findCall(place, word)
    if (before?.ended) return undefined
    this.#options.onBegin?.()
    const resumed = before && (await place.resume(this.#makeCall(hook, before), before.handle))
    if (before && resumed) return await this.#end(hook, before, resumed)
    const call = this.#noteCall(hook, place, (before?.attempt ?? 0) + 1)
    // What closes something must run, and what is on disk by now makes it run again after a crash.
    await (CLOSING.includes(word) ? this.#trySave() : this.#save())
    const end = await place.run(this.#makeCall(hook, call), async (handle) => {
      call.handle = handle
      await this.#trySave()
    })
    return await this.#end(hook, call, end)
  }

  #findHook(word: HookWord): Hook | undefined {
    return this.#journal.hooks.find((hook) => hook.word === word)
  }

  #findCall({ container }: HookPlace, word: HookWord): NotedCall | undefined {
    return this.#journal.calls.find((call) => call.container === container && call.word === word)
  }

  /** Replaces the call before. */
  #noteCall({ word }: Hook, place: HookPlace, attempt: number): NotedCall {
    const { container } = place
    const id = `${this.#journal.rid}-${randomBytes(8).toString('hex')}`
    const startedMs = this.#options.clock.now()
    const call: NotedCall = { word, container, id, attempt, startedMs, handle: null, ended: false }
    const others = this.#journal.calls.filter((one) => one !== this.#findCall(place, word))
    this.#journal.calls = [...others, call]
    return call
  }

  #makeCall(hook: Hook, { id, attempt, startedMs }: NotedCall): HookCall {
    const { env, state } = this.#journal
    const limitMs = hook.limitSeconds * 1000
    const spentMs = Math.max(0, this.#options.clock.now() - startedMs)
    const { signal } = this.#options
    return {
      hook,
      id,
      env: {
        ...env,
        BACKUPD_HOOK: hook.word,
        BACKUPD_HOOK_STATE: state,
        BACKUPD_HOOK_ATTEMPT: String(attempt),
      },
      limitMs: Math.max(0, limitMs - spentMs),
      ...(signal && !CLOSING.includes(hook.word) && { signal }),
    }
  }

  async #end(hook: Hook, call: NotedCall, end: HookEnd): Promise<HookReport> {
    const report = describeCall(hook, call, end)
    call.ended = true
    if (this.#journal.calls.filter(({ run }) => run).length < MAX_NOTED_RUNS) call.run = makeHookRun(report)
    await this.#trySave()
    this.#options.onEnd(report)
    return report
  }

  #save(): Promise<void> {
    return saveHookJournal(this.#options.dataDir, this.#journal)
  }

  /** An older journal owes more than this one, never less. */
  async #trySave(): Promise<void> {
    await this.#save().catch((error: unknown) => this.#options.onUnsaved(error))
  }
}

function failed({ failure, exitCode, word, container }: HookReport): BackupdError {
  return new BackupdError('HOOK_FAILED', failure, { facts: { hook: word, container, exitCode } })
}
