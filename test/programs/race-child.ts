import { recoverPlugin } from '../../src/engine/plugins/backup_recover/plugin.ts'
import { countOutcomes, startFlipping } from '../support/flip.ts'
import type { RaceOrder } from '../support/races.ts'
import { runPlugin } from '../support/run-plugin.ts'

/** Run as a process: recovers again and again while two names are swapped, and prints the outcomes. */
const { names, target, rounds, settings, args } = JSON.parse(process.argv[2] ?? '{}') as RaceOrder
const stop = await startFlipping(names, target)
const outcomes = await countOutcomes(rounds, async () => {
  const { state } = await runPlugin(recoverPlugin, settings, { args })
  return state
})
await stop()
console.log(JSON.stringify(outcomes))
