// Hooks: programs of an operator that run around backups and recovers, in the containers of the instance or on this
// machine. VolumeHooks decides which hook runs when, and notes each call in a journal before it begins, so that a crash
// leaves nothing half done. Where a hook runs is a HookPlace: host/ or containers/.
// It knows no plugins, stores and records: engine/plugins hands it what it needs, and reads what the hooks did.

import type { Clock } from '../lib/clock.ts'
import { BackupdError, type ErrorDetails } from '../lib/errors.ts'
import type { Hook } from '../wire/hook.ts'

/** One call of a hook in one place. */
export interface HookCall {
  hook: Hook
  /** Unguessable. The environment of the hook and of all its children has it as BACKUPD_HOOK_ID. */
  id: string
  env: Readonly<Record<string, string>>
  /** How much is left of the time limit. */
  limitMs: number
  signal?: AbortSignal
}

/** What finds a running call again after a crash. */
export type CallHandle = { pid: number } | { exec: string }

export interface HookEnd {
  /** `not-begun`: it can never be run; `problem` says why. */
  how: 'exited' | 'timed-out' | 'aborted' | 'not-begun'
  /** null if it is not known, or if a signal ended the hook. */
  exitCode: number | null
  stdout: string
  stderr: string
  /** What else went wrong: processes that could not be ended. */
  problem?: string
}

/** Where hooks run. */
export interface HookPlace {
  /** The name of the container; null: this machine. */
  readonly container: string | null
  /** Call it before any hook runs. Returns why no hook runs here, which is only a warning. Throws why none can run. */
  check(hooks: readonly Hook[]): Promise<string | undefined>
  /** Whatever the hook does is its end. Throws if it could not begin, PlaceUnavailable if it may later. @param begun called as soon as it can be found */
  run(call: HookCall, begun: (handle: CallHandle) => Promise<void>): Promise<HookEnd>
  /**
   * Waits for a call that an earlier process began; undefined if nobody knows how it ended, or whether it began.
   * @param handle null if the earlier process died before it had one
   */
  resume(call: HookCall, handle: CallHandle | null): Promise<HookEnd | undefined>
}

export interface HookWorld {
  clock: Clock
  /** Called about once a second while a hook runs. */
  alive(): void
}

/** No hook can be run in this place now, but perhaps later: what is owed there is tried again. */
export class PlaceUnavailable extends BackupdError {
  constructor(message: string, details?: ErrorDetails) {
    super('HOOK_FAILED', message, details)
  }
}
