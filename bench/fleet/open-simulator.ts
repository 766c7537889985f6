import { fileURLToPath } from 'node:url'
import { callsTo } from './calls.ts'
import { startNode } from './child.ts'
import type { Simulator } from './simulator/simulator.ts'

const SIMULATOR = fileURLToPath(new URL('./simulator/simulator.ts', import.meta.url))

/** Starts the process that plays the daemons, without daemons so far. */
export function openSimulator() {
  const child = startNode({ args: [SIMULATOR] }, (line) => console.error(`simulator: ${line}`))
  return { child, simulator: callsTo<Simulator>(child) }
}
