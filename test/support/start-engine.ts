import { onTestFinished } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { EngineOptions } from '../../src/engine/engine-options.ts'
import { ChildRunner } from '../../src/engine/runner.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { MemoryWithoutDisk } from './engine-memory.ts'
import { enginePlugins } from './engine-plugins.ts'
import { runSettings } from './run-settings.ts'
import { silentLog } from './silent-log.ts'

const childEntry = new URL('../programs/engine-child.ts', import.meta.url)

/** An engine with real children that know the plugins of engine-plugins.ts; it ends with the test. */
export async function startEngine(
  options: Partial<Omit<EngineOptions, 'memory'>> & { memory?: MemoryWithoutDisk } = {},
) {
  const memory = options.memory ?? new MemoryWithoutDisk()
  const settings = options.settings ?? (await runSettings())
  const runner =
    options.runner ?? new ChildRunner({ size: 1, clock: systemClock, log: silentLog, childEntry })
  const problems = options.problems ?? new Problems(options.clock ?? systemClock)
  const engine = new Engine({
    clock: systemClock,
    log: silentLog,
    plugins: enginePlugins,
    concurrency: 2,
    ...options,
    memory,
    settings,
    runner,
    problems,
  })
  onTestFinished(() => engine.close(0))
  return { engine, memory, settings, runner, problems }
}
