import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { ControllerMemory, KnownController } from './memory/controller-memory.ts'

export interface ListSender {
  /** undefined for a legacy controller, which has no identity. */
  controller: KnownController | undefined
  /** Its operator asked to take over this daemon. */
  takeOver: boolean
}

interface BondOptions {
  problems: Problems
  log: Log
  clock: Clock
}

/** How long a refused controller stays on the list of problems. Each try, at least one a minute, renews this time. */
const CONFLICT_PROBLEM_MS = 5 * 60_000
const PROBLEM = ['controller', 'conflict'] as const

/**
 * Binds the daemon to one controller: the first that sends a list of jobs with an identity. A list from another one is
 * refused, because it would silently end the backups of the first.
 */
export class ControllerBond {
  readonly #memory: ControllerMemory
  readonly #problems: Problems
  readonly #log: Log
  #known: KnownController | undefined
  readonly #clock: Clock
  #clearing: Disposable | undefined

  constructor(memory: ControllerMemory, { problems, log, clock }: BondOptions) {
    this.#memory = memory
    this.#clock = clock
    this.#problems = problems
    this.#log = log
    this.#known = memory.load()
  }

  /** The controller that the jobs are from; undefined until a list with an identity arrived. */
  get controller(): KnownController | undefined {
    return this.#known
  }

  /** Call it before a list is applied. Persists the controller; throws CONFLICT for a list of another one. */
  accept({ controller, takeOver }: ListSender): void {
    const known = this.#known
    if (known && controller?.id !== known.id && !takeOver) throw this.#refuse(known, controller)
    if (!controller || (controller.id === known?.id && controller.url === known.url)) return
    this.#memory.save(controller)
    this.#known = controller
    if (known && known.id !== controller.id) {
      const text = `${describe(controller)} took this daemon over from ${describe(known)}`
      this.#log.warn({ controller, before: known }, text)
      this.#clear()
    }
  }

  /** Lets any controller send the next list. */
  release(): void {
    if (this.#known) this.#log.warn({ before: this.#known }, `${describe(this.#known)} was released`)
    this.#memory.forget()
    this.#known = undefined
  }

  close(): void {
    this.#clearing?.[Symbol.dispose]()
  }

  #refuse(known: KnownController, other: KnownController | undefined): BackupdError {
    const who = other ? describe(other) : 'a legacy controller'
    const advice =
      'Start the controller that should have it with --take-over, or this daemon once with --release-controller'
    const text = `Another controller sent a list of jobs: ${who}, expected ${describe(known)}. ${advice}`
    if (!this.#problems.has(...PROBLEM)) this.#log.warn({ controller: other ?? null, known }, text)
    this.#problems.report({ source: PROBLEM[0], key: PROBLEM[1], text })
    this.#clearing?.[Symbol.dispose]()
    this.#clearing = this.#clock.after(CONFLICT_PROBLEM_MS, () => this.#clear())
    const message = `Cannot accept a list of jobs from ${who}: the jobs of this daemon are from ${describe(known)}. ${advice}`
    return new BackupdError('CONFLICT', message, { facts: { controller: known.id, url: known.url } })
  }

  #clear(): void {
    this.#clearing?.[Symbol.dispose]()
    this.#problems.clear(...PROBLEM)
  }
}

function describe({ id, url }: KnownController): string {
  return `the controller ${id.slice(0, 8)} at ${url}`
}
