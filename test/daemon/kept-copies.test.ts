import { expect, test, vi } from 'vitest'
import { KeptCopies, type KeptCopiesOptions } from '../../src/daemon/kept-copies.ts'
import { EXPIRE_KEPT_ACTION } from '../../src/wire/kept-old.ts'

const copyOf = (volume: string) => ({
  volume,
  rid: `1795423489${'a'.repeat(32)}`,
  made: '2026-12-01T00:00:00Z',
  until: '2026-12-02T00:00:00Z',
  bytes: 1,
  files: 1,
})

/** A daemon with one copy that is due. */
function start(runOwn: () => Promise<{ state: string; reason: string }>) {
  const left = new Set(['/srv/db'])
  const warnings: string[] = []
  const list = () => ({ kept: [...left].map(copyOf), due: [...left], isNew: false })
  const calls: string[] = []
  const engine = {
    ask: async () => list(),
    jobs: () => [],
    async runOwn(action: string) {
      calls.push(action)
      const end = await runOwn()
      if (end.state === 'success') left.clear()
      return end
    },
  }
  const log = { warn: (_facts: object, message: string) => void warnings.push(message) }
  const options = { engine, log, isReady: () => true } as unknown as KeptCopiesOptions
  return { copies: new KeptCopies(options), calls, warnings }
}

test('a copy that is due is removed, and is not listed any more', async () => {
  const { copies, calls } = start(async () => ({ state: 'success', reason: '' }))
  copies.look()
  await vi.waitFor(() => expect([copies.list, calls]).toEqual([[], [EXPIRE_KEPT_ACTION]]))
})

test('while the volume is busy, the copy is listed and its removal is asked for once', async () => {
  const busy = Promise.withResolvers<{ state: string; reason: string }>()
  const { copies, calls } = start(() => busy.promise)
  copies.look()
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  copies.look()
  expect(copies.list).toMatchObject([{ volume: '/srv/db' }])
  busy.resolve({ state: 'success', reason: '' })
  await vi.waitFor(() => expect(copies.list).toEqual([]))
  expect(calls).toHaveLength(1)
})

test('a removal that fails is told once, and tried again', async () => {
  const { copies, calls, warnings } = start(async () => ({ state: 'failed', reason: 'it does not exist' }))
  for (const count of [1, 2, 3]) {
    copies.look()
    await vi.waitFor(() => expect(calls).toHaveLength(count))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(warnings).toEqual([expect.stringContaining('cannot be removed: it does not exist')])
})
