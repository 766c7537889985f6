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
  /** Posts that the controller refused for a while. */
  refused: number
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
  const answers = countAnswers(delivery)
  report(delivery, tookMs, answers)
  return {
    takenMs: delivery.takenMs,
    endedMs: delivery.endedMs,
    perSecond: (accepted / (delivery.takenMs ?? tookMs)) * 1000,
    cpuMsEach: (cpuAfter - cpuBefore) / Math.max(1, accepted),
    repeated: delivery.after.offered - delivery.before.offered - accepted,
    refused: answers.get('503') ?? 0,
    longestDelayMs: delivery.takenMs === null ? Number.POSITIVE_INFINITY : delivery.delays.longest,
    loop,
  }
}

/** Starts the controller anew if it did not take everything, so that the rows below do not suffer from the rest. */
export async function startOverIfBehind(world: World, { takenMs }: MeasuredDelivery): Promise<void> {
  if (takenMs !== null) return
  await world.stopController()
  await world.simulator.dropNews()
}

function countAnswers({ before, after }: Delivery): Map<string, number> {
  const counts = Object.entries(after.answers).map(([status, count]) => {
    return [status, count - (before.answers[status] ?? 0)] as const
  })
  return new Map(counts.filter(([, count]) => count > 0))
}

/** What a reader of the table must know: whether the simulator was the limit, and how the posts were answered. */
function report(
  { before, after, simulatorCpuMs }: Delivery,
  tookMs: number,
  answers: Map<string, number>,
): void {
  const posts = [...answers].map(([status, count]) => `${count} × ${status === '0' ? 'no answer' : status}`)
  const made = after.made - before.made
  const accepted = after.accepted - before.accepted
  const share = ((simulatorCpuMs / tookMs) * 100).toFixed(0)
  console.error(
    `  ${accepted} of ${made} changes in ${(tookMs / 1000).toFixed(1)} s; posts: ${posts.join(', ')}; the simulator used ${share} % of a core`,
  )
}
