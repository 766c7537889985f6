import type { Progress } from '../wire/record.ts'

/** Speed is measured over the last ten seconds, so that it follows changes. */
const WINDOW_MS = 10_000
const SAMPLE_INTERVAL_MS = 250

/** Computes bytesPerSecond and etaSeconds from the growth of `bytesDone`. Each phase starts again. */
export function createSpeedometer(): (
  progress: Progress,
  nowMs: number,
) => Pick<Progress, 'bytesPerSecond' | 'etaSeconds'> {
  let phase = ''
  let samples: { at: number; bytes: number }[] = []

  return ({ phase: current, bytesDone, bytesTotal }, now) => {
    const last = samples.at(-1)
    if (!last || phase !== current || bytesDone < last.bytes || now < last.at)
      samples = [{ at: now, bytes: bytesDone }]
    else if (now - last.at >= SAMPLE_INTERVAL_MS) samples.push({ at: now, bytes: bytesDone })
    phase = current
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > WINDOW_MS) samples.shift()
    const first = samples[0]
    if (!first || now - first.at < SAMPLE_INTERVAL_MS) return { bytesPerSecond: null, etaSeconds: null }
    const speed = ((bytesDone - first.bytes) / (now - first.at)) * 1000
    const left = bytesTotal === null ? null : Math.max(0, bytesTotal - bytesDone)
    return {
      bytesPerSecond: Math.round(speed),
      etaSeconds: left === null || speed <= 0 ? null : Math.round(left / speed),
    }
  }
}
