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
  const list = () => ({
    kept: [...left].map(copyOf),
    due: [...left],
    unsearched: [],
    broken: ['broken note'],
  })
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

test('a removal that fails is told once, and tried again less and less often', async () => {
  const { copies, calls, warnings } = start(async () => ({ state: 'failed', reason: 'it does not exist' }))
  for (const count of [1, 2, 2, 3, 3, 3, 3, 4]) {
    copies.look()
    await vi.waitFor(() => expect(calls).toHaveLength(count))
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(warnings.slice(1)).toEqual([expect.stringContaining('cannot be removed: it does not exist')])
})

test('a note that cannot be read is told once', async () => {
  const { copies, warnings, calls } = start(async () => ({ state: 'success', reason: '' }))
  copies.look()
  await vi.waitFor(() => expect([copies.list, calls]).toEqual([[], [EXPIRE_KEPT_ACTION]]))
  copies.look()
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual(['broken note'])
})

test('a volume is searched until that succeeds, also one whose job arrives later', async () => {
  const searched = new Set<string>()
  const missing = new Set(['/srv/b'])
  const jobs = ['/srv/a', '/srv/b'].map((path) => ({ job: { action: 'backup', args: { path } } }))
  const searches: string[][] = []
  const engine = {
    async ask(_action: string, { volumes }: { volumes: string[] }) {
      return { kept: [], due: [], unsearched: volumes.filter((path) => !searched.has(path)), broken: [] }
    },
    jobs: () => jobs,
    async runOwn(_action: string, { paths }: { paths: string[] }) {
      searches.push(paths)
      for (const path of paths) if (!missing.has(path)) searched.add(path)
      return { state: 'success', reason: '' }
    },
  }
  const options = { engine, log: { warn: expect.unreachable }, isReady: () => true }
  const copies = new KeptCopies(options as unknown as KeptCopiesOptions)
  const look = async () => {
    copies.look()
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  await look()
  await look()
  missing.clear()
  jobs.push({ job: { action: 'backup', args: { path: '/srv/c' } } })
  await look()
  await look()
  await look()
  expect(searches).toEqual([['/srv/a', '/srv/b'], ['/srv/b'], ['/srv/c'], ['/srv/b']])
})
