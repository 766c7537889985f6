import { setImmediate } from 'node:timers/promises'
import { isSystemError } from '../../../lib/errors.ts'
import { describeReason } from '../describe-reason.ts'
import type { WalkOptions } from '../inspector.ts'
import { isGone } from './pin-below.ts'

export interface RecheckOptions extends Pick<WalkOptions, 'signal' | 'onWarning'> {
  /** Called with each path that is checked again. Called often: keep it cheap. */
  onRecheck(path: Buffer): void
}

/** After so long without waiting, a step lets the event loop run. */
const MAX_BLOCKING_MS = 20
/** Faults beyond this number share one warning. */
const MAX_LISTED = 1000

/** The steps of a recheck: each one reports progress, and none fails the run if the volume cannot be read. */
export class RecheckSteps {
  readonly #options: RecheckOptions
  readonly #faulty = new Set<string>()
  #turnBegan = performance.now()

  constructor(options: RecheckOptions) {
    this.#options = options
  }

  /** Call it before each check. Throws the signal's reason. */
  async next(path: Buffer): Promise<void> {
    this.#options.signal.throwIfAborted()
    this.#options.onRecheck(path)
    if (performance.now() - this.#turnBegan < MAX_BLOCKING_MS) return
    await setImmediate()
    this.#turnBegan = performance.now()
  }

  /**
   * Resolves with null if the entry is gone, and with undefined if it cannot be read: that is a fault, with a
   * warning.
   */
  async attempt<T>(path: Buffer, check: () => T | Promise<T>): Promise<T | null | undefined> {
    try {
      return await check()
    } catch (error) {
      if (isGone(error)) return null
      this.#addFault(path, error)
      return undefined
    }
  }

  /** Warns once for each path. Throws any error that is not of the file system. */
  #addFault(path: Buffer, error: unknown): void {
    this.#options.signal.throwIfAborted()
    if (!isSystemError(error)) throw error
    const key = path.toString('latin1')
    if (this.#faulty.has(key) || this.#faulty.size > MAX_LISTED) return
    this.#faulty.add(key)
    if (this.#faulty.size <= MAX_LISTED) this.#warn(path, `cannot be checked again: ${describeReason(error)}`)
    else this.#warn(Buffer.alloc(0), `more than ${MAX_LISTED} entries cannot be checked again`)
  }

  #warn(path: Buffer, message: string): void {
    this.#options.onWarning({ severity: 'fault', path, message })
  }
}
