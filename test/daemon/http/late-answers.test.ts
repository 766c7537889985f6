import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../../../src/daemon/http/route.ts'
import { serve } from '../../../src/daemon/http/server.ts'
import { keptLog } from '../../support/daemon-kit.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('a late answer is replaced by a refusal, logged, and its work stops', async () => {
  const calls: DaemonCall[] = []
  const handle = (call: DaemonCall) => {
    calls.push(call)
    return new Promise<DaemonAnswer>(() => {})
  }
  const log = keptLog()
  const routes = [{ method: 'GET' as const, path: '/slow', handle }]
  const options = { host: '127.0.0.1', port: 0, allowedHosts: [] }
  const server = await serve(routes, { log } as unknown as DaemonParts, options)
  onTestFinished(() => server.close())
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const answer = fetch(`${server.url}/slow`)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  expect(calls[0]?.late.aborted).toBe(false)
  vi.advanceTimersByTime(9500)
  const { status, headers } = await answer
  expect([status, headers.get('x-backupd-error-code')]).toEqual([503, 'TIMED_OUT'])
  expect(calls[0]?.late.reason).toMatchObject({ code: 'TIMED_OUT' })
  expect(log.lines.map(({ level }) => level)).toEqual(['error'])
  vi.useRealTimers()
})
