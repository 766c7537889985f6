import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { HOUR_MS } from '../lib/time-units.ts'

/** Prunes the memory immediately and then every hour, in small steps. @returns a function that stops it */
export function startUpkeep(prune: () => number, log: Log): () => void {
  let step: NodeJS.Immediate | undefined
  const sweep = () => {
    step = undefined
    try {
      if (prune() > 0) step = setImmediate(sweep)
    } catch (error) {
      log.error({ error }, `Cannot prune the daemon's memory: ${messageOf(error)}. Tried again in an hour`)
    }
  }
  const timer = setInterval(sweep, HOUR_MS)
  sweep()
  return () => {
    clearInterval(timer)
    clearImmediate(step)
  }
}
