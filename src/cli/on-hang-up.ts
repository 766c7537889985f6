import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Handles SIGHUP from now on: it no longer ends the process but, after `begin`, reads the inventory again. */
export function rereadOnHangUp(log: Log): { begin(reread: () => Promise<void>): void } {
  let reread: (() => Promise<void>) | undefined
  process.on('SIGHUP', () => {
    if (!reread) return
    log.info({}, 'SIGHUP: the inventory is read again')
    reread().catch((error) => log.error({ error }, `Cannot read the inventory again: ${messageOf(error)}`))
  })
  return {
    begin(act) {
      reread = act
    },
  }
}
