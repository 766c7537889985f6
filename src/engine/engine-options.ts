import type { Clock } from '../lib/clock.ts'
import type { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { Plugin, RunSettings } from './plugin.ts'
import type { EngineMemory, Runner } from './ports.ts'
import type { Uptime } from './uptime.ts'

export interface EngineOptions {
  clock: Clock
  /** What to age things by; `clock` unless given. */
  agingClock?: Clock
  log: Log
  /** Where the engine reports what an operator must see to. */
  problems: Problems
  plugins: readonly Plugin[]
  runner: Runner
  memory: EngineMemory
  settings: RunSettings
  /** Milliseconds that only ever grow, to tell runs that hang and those out of time; the process's own unless given. */
  uptime?: Uptime
  /** Why no run of this action may begin now; undefined if it may. */
  admit?(action: string): BackupdError | undefined
  /** How many runs at once; runs of quiet plugins and queries do not count. */
  concurrency: number
}
