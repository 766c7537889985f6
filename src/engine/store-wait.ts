import type { Clock } from '../lib/clock.ts'
import { waitMeter } from '../lib/wait-meter.ts'
import { type Progress, WAIT_FOR_STORE } from '../wire/record.ts'

const CHECK_INTERVAL_MS = 1000
/** A run that reported progress within this time is not shown as waiting, however slow its store is. */
const MIN_SILENCE_MS = 5000

type Report = (change: Partial<Progress>) => void

/** Shows the phase WAIT_FOR_STORE while a run reports no progress because it mostly waits for its store. */
export function showStoreWait(report: Report, clock: Clock): { progress: Report; close(): void } {
  let phase = 'start'
  let reportedAt = clock.elapsed()
  let waitedMs = waitMeter.waitedMs
  let isShown = false

  function check(): void {
    const waited = waitMeter.waitedMs - waitedMs
    waitedMs = waitMeter.waitedMs
    if (clock.elapsed() - reportedAt < MIN_SILENCE_MS) return
    show(waited > CHECK_INTERVAL_MS / 2)
  }

  function show(isWaiting: boolean): void {
    if (isWaiting === isShown) return
    isShown = isWaiting
    report({ phase: isWaiting ? WAIT_FOR_STORE : phase })
  }

  const timer = setInterval(check, CHECK_INTERVAL_MS).unref()
  return {
    progress(change) {
      phase = change.phase ?? phase
      reportedAt = clock.elapsed()
      report(isShown ? { phase, ...change } : change)
      isShown = false
    },
    close: () => clearInterval(timer),
  }
}
