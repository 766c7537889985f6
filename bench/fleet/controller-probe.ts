// Preloaded into the measured controller (`node --import`): measures its event loop from within and answers the bench.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import { answerCalls } from './calls.ts'

export interface LoopDelay {
  /** ms, less the resolution of the measurement. */
  p999: number
  longest: number
}

export interface ControllerProbe {
  /** Starts a new measurement and returns the figures of the one before. */
  loopDelay(): LoopDelay
  /** Processor time of the whole process so far, ms. */
  cpuMs(): number
  /** Stands still for so long, as a long computation would. */
  block(ms: number): void
  memory(): NodeJS.MemoryUsage
  /** Bytes that the main thread uses once its garbage is collected, which blocks it. */
  usedBytes(): number
}

const RESOLUTION_MS = 10

// Worker threads inherit the flag; only the main thread answers.
if (isMainThread && process.send) {
  answerCalls(createProbe())
  // The channel alone must not keep a controller alive that wants to end.
  process.channel?.unref()
}

function createProbe(): ControllerProbe {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  const toMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  return {
    loopDelay() {
      const figures = { p999: toMs(delays.percentile(99.9)), longest: toMs(delays.max) }
      delays.reset()
      return figures
    },
    cpuMs() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    block(ms) {
      const end = performance.now() + ms
      while (performance.now() < end);
    },
    memory: () => process.memoryUsage(),
    usedBytes() {
      collectGarbage()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    },
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
