import type { Clock } from '../lib/clock.ts'
import type { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { Plugin, RunSettings } from './plugin.ts'
import type { EngineMemory, Runner } from './ports.ts'

export interface EngineOptions {
  clock: Clock
  /** The clock that measures age, such as that of sleep marks; defaults to `clock`. */
  agingClock?: Clock
  log: Log
  /** The board of problems that an operator must fix. */
  problems: Problems
  plugins: readonly Plugin[]
  runner: Runner
  memory: EngineMemory
  settings: RunSettings
  /** Why no run of this action may begin now; undefined if one may. */
  admit?(action: string): BackupdError | undefined
  /** How many runs may run in parallel; quiet plugins and those that answer at once do not count. */
  concurrency: number
}
