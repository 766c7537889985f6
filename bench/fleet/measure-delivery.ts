import type { LoopDelay } from './controller-probe.ts'
import { readLastChange } from './last-change.ts'
import type { Delivery } from './simulator/simulator.ts'
import type { World } from './world.ts'

export interface MeasuredDelivery {
  /** null if it took longer than the limit. */
  takenMs: number | null
  /** Until the last run ended. */
  endedMs: number
  /** State changes taken, and those of them that are in the catalog: a later one in the same post supersedes others. */
  perSecond: number
  writtenPerSecond: number
  /** For each change that was written. */
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
  const { probe, catalog } = await world.controller()
  const changesBefore = readLastChange(catalog)
  await probe.loopDelay()
  const [cpuBefore, start] = [await probe.cpuMs(), performance.now()]
  const delivery = await deliver()
  const tookMs = performance.now() - start
  const [cpuMs, loop] = [(await probe.cpuMs()) - cpuBefore, await probe.loopDelay()]
  const written = readLastChange(catalog) - changesBefore
  const { accepted, repeated, answers } = countSent(delivery)
  report(delivery, { tookMs, written, answers })
  const seconds = (delivery.takenMs ?? tookMs) / 1000
  return {
    takenMs: delivery.takenMs,
    endedMs: delivery.endedMs,
    perSecond: accepted / seconds,
    writtenPerSecond: written / seconds,
    cpuMsEach: cpuMs / Math.max(1, written),
    repeated,
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

function countSent({ before, after }: Delivery) {
  const accepted = after.accepted - before.accepted
  const counts = Object.entries(after.answers).map(([status, count]) => {
    return [status, count - (before.answers[status] ?? 0)] as const
  })
  const answers = new Map(counts.filter(([, count]) => count > 0))
  return { accepted, repeated: after.offered - before.offered - accepted, answers }
}

interface Outcome {
  tookMs: number
  written: number
  answers: Map<string, number>
}

/** What a reader of the table must know: whether the simulator was the limit, and how the posts were answered. */
function report({ before, after, simulatorCpuMs }: Delivery, { tookMs, written, answers }: Outcome): void {
  const posts = [...answers].map(([status, count]) => `${count} × ${status === '0' ? 'no answer' : status}`)
  const made = after.made - before.made
  const accepted = after.accepted - before.accepted
  const share = ((simulatorCpuMs / tookMs) * 100).toFixed(0)
  console.error(
    `  ${accepted} of ${made} changes in ${(tookMs / 1000).toFixed(1)} s, ${written} written; posts: ${posts.join(', ')}; the simulator used ${share} % of a core`,
  )
}
