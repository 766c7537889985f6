import { NS_PER_SECOND } from '../time-units.ts'
import type { Libc } from './libc.ts'

export interface KernelCoarseClock {
  /** Unix ns of the clock with which the kernel stamps files: up to 10 ms behind the wall clock. */
  coarseNowNs(): bigint
}

const CLOCK_REALTIME_COARSE = 5

export function bindCoarseClock(libc: Libc): KernelCoarseClock {
  const clockGettime = libc.bind('int clock_gettime(int clock, _Out_ void *time)')
  const time = Buffer.alloc(16)
  return {
    coarseNowNs() {
      clockGettime(CLOCK_REALTIME_COARSE, time)
      return time.readBigInt64LE(0) * NS_PER_SECOND + time.readBigInt64LE(8)
    },
  }
}
