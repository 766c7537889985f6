import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { Plugin, RunSettings } from './plugin.ts'
import type { EngineMemory, Runner } from './ports.ts'

export interface EngineOptions {
  clock: Clock
  log: Log
  /** Where the engine reports what an operator must see to. */
  problems: Problems
  plugins: readonly Plugin[]
  runner: Runner
  memory: EngineMemory
  settings: RunSettings
  /** How many runs at once; runs of quiet plugins and queries do not count. */
  concurrency: number
}
