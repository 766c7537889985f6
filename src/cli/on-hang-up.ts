import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** From now on SIGHUP ends nothing: it reads the inventory again, once there is somebody to do so. */
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
