import { expect, test } from 'vitest'
import { check } from '../../bench/fleet/check/check.ts'

// What the benchmarks say about a large fleet holds only as long as this does.
test('the simulated daemons of the benchmarks speak as a real one does', async () => {
  expect(await check('dist/main.js')).toEqual([])
})
