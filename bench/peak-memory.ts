import { readFileSync } from 'node:fs'

/** The most memory that this process had, in MiB. `maxRSS` would begin with that of the process that started this one. */
export function peakMiB(): number {
  const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}
