import { expect, test } from 'vitest'
import { createSpeedometer } from '../../src/engine/speedometer.ts'
import type { Progress } from '../../src/wire/record.ts'

const progress = (phase: string, bytesDone: number, bytesTotal: number | null = null): Progress => ({
  phase,
  bytesDone,
  bytesTotal,
  filesDone: 0,
  filesTotal: null,
  currentPath: null,
  bytesPerSecond: null,
  etaSeconds: null,
})

test('speed is that of the last ten seconds, and the remaining time follows from it', () => {
  const measure = createSpeedometer()
  expect(measure(progress('pack', 0, 100_000), 0)).toEqual({ bytesPerSecond: null, etaSeconds: null })
  expect(measure(progress('pack', 1000, 100_000), 1000)).toEqual({ bytesPerSecond: 1000, etaSeconds: 99 })
  for (let second = 2; second <= 20; second++)
    measure(progress('pack', 1000 + (second - 1) * 2000, 100_000), second * 1000)
  expect(measure(progress('pack', 41_000, 100_000), 21_000)).toEqual({ bytesPerSecond: 2000, etaSeconds: 30 })
  expect(measure(progress('pack', 41_000), 22_000).etaSeconds).toBeNull()
})

test('a new phase, and a clock set back, start again', () => {
  const measure = createSpeedometer()
  measure(progress('pack', 0), 0)
  measure(progress('pack', 5000), 1000)
  expect(measure(progress('check', 0), 1500).bytesPerSecond).toBeNull()
  expect(measure(progress('check', 500), 2500).bytesPerSecond).toBe(500)
  expect(measure(progress('check', 600), 0).bytesPerSecond).toBeNull()
  expect(measure(progress('check', 600, 600), 1000)).toEqual({ bytesPerSecond: 0, etaSeconds: null })
})
