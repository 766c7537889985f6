import type { Log } from '../lib/log.ts'
import { isLoopback } from '../lib/loopback.ts'

export interface Reach {
  host: string
  port: number
  ip: string
  volumeRoot: string
  allowPaths: string[]
  log: Log
}

/** Warns at the start if other machines can reach the daemon, and names what they can overwrite. */
export function warnOfReach({ host, port, ip, volumeRoot, allowPaths, log }: Reach): void {
  if (isLoopback(host)) return
  const paths = [volumeRoot, ...allowPaths].join(', ')
  log.warn(
    { host, port },
    `Everyone who reaches ${host}:${port} can overwrite what is under ${paths}, read every backup in the store and delete those of ${ip}: enrol this daemon (docs/security.md), or let only the controller reach this port`,
  )
}
