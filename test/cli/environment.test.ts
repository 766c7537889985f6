import { expect, test, vi } from 'vitest'
import { setEnvironmentOfChildren } from '../../src/cli/environment.ts'

const MIB = 1024 * 1024

test('a runner keeps the memory of its reads, though the daemon gives such memory back', () => {
  vi.stubEnv('MALLOC_MMAP_THRESHOLD_', String(MIB))
  vi.stubEnv('MALLOC_ARENA_MAX', '1')
  setEnvironmentOfChildren()
  const { MALLOC_MMAP_THRESHOLD_: threshold, MALLOC_ARENA_MAX: arenas } = process.env
  expect(Number(threshold)).toBeGreaterThan(4 * MIB)
  expect(Number(threshold)).toBeLessThan(8 * MIB)
  expect(arenas).toBe('1')
})
