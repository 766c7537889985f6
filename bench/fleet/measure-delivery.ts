import type { LoopDelay } from './controller-probe.ts'
import type { Delivery } from './simulator/simulator.ts'
import type { World } from './world.ts'

export interface MeasuredDelivery {
  /** null if it took longer than the limit. */
  takenMs: number | null
  /** Until the last run ended. */
  endedMs: number
  /** State changes taken. */
  perSecond: number
  cpuMsEach: number
  /** Changes that were sent again after a refusal, a timeout or a lost connection. */
  repeated: number
  longestDelayMs: number
  loop: LoopDelay
}

/** Measures the controller while the daemons deliver news. */
export async function measureDelivery(
  world: World,
  deliver: () => Promise<Delivery>,
): Promise<MeasuredDelivery> {
  const { probe } = await world.controller()
  await probe.loopDelay()
  const [cpuBefore, start] = [await probe.cpuMs(), performance.now()]
  const delivery = await deliver()
  const tookMs = performance.now() - start
  const [cpuAfter, loop] = [await probe.cpuMs(), await probe.loopDelay()]
  const accepted = delivery.after.accepted - delivery.before.accepted
  report(delivery, tookMs)
  return {
    takenMs: delivery.takenMs,
    endedMs: delivery.endedMs,
    perSecond: (accepted / (delivery.takenMs ?? tookMs)) * 1000,
    cpuMsEach: (cpuAfter - cpuBefore) / Math.max(1, accepted),
    repeated: delivery.after.offered - delivery.before.offered - accepted,
    longestDelayMs: delivery.takenMs === null ? Number.POSITIVE_INFINITY : delivery.delays.longest,
    loop,
  }
}

/** What a reader of the table must know: whether the simulator was the limit, and how the posts were answered. */
function report({ before, after, simulatorCpuMs }: Delivery, tookMs: number): void {
  const answers = Object.entries(after.answers)
    .map(([status, count]) => [status, count - (before.answers[status] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} × ${status === '0' ? 'no answer' : status}`)
  const made = after.made - before.made
  const accepted = after.accepted - before.accepted
  const share = ((simulatorCpuMs / tookMs) * 100).toFixed(0)
  console.error(
    `  ${accepted} of ${made} changes in ${(tookMs / 1000).toFixed(1)} s; posts: ${answers.join(', ')}; the simulator used ${share} % of a core`,
  )
}
