import { Engine } from '../../src/engine/engine.ts'
import { ChildRunner } from '../../src/engine/runner.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { enginePlugins } from '../support/engine-plugins.ts'
import { silentLog } from '../support/silent-log.ts'

/** A process with an engine that runs one run forever, and reports to its parent once it runs. */
const memory = new MemoryWithoutDisk()
const engine = new Engine({
  clock: systemClock,
  log: silentLog,
  problems: new Problems(systemClock),
  plugins: enginePlugins,
  runner: new ChildRunner({ size: 1, clock: systemClock, log: silentLog }),
  memory,
  settings: JSON.parse(process.argv[2] ?? ''),
  concurrency: 1,
})
const { rid } = await engine.runOnce('test', { forever: true })
process.send?.(await memory.until((record) => record.rid === rid && record.progress !== null))
