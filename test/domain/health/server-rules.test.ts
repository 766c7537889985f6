import { expect, test } from 'vitest'
import { forecastStore, NO_FORECAST, type StoreSample } from '../../../src/domain/health/forecast.ts'
import { judgeServer, type ServerFindings } from '../../../src/domain/health/server-rules.ts'
import { StoreHistory } from '../../../src/domain/health/store-history.ts'
import { newServer } from '../../../src/domain/server-state.ts'
import { CAPABILITIES } from '../../../src/wire/capabilities.ts'
import type { DaemonDebug } from '../../../src/wire/daemon-api.ts'
import { FULL_DISK_TEXTS } from '../../../src/wire/health-texts.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-24T06:00:00Z')
const GIB = 1024 ** 3

const DEBUG: DaemonDebug = {
  crond_status: 'started',
  running_tasks: 0,
  startTime: '2026-11-23T08:00:00Z',
  updateTime: '2026-11-23T08:00:00Z',
  protocol: 2,
  capabilities: [...CAPABILITIES],
}

function judge(debug: Partial<DaemonDebug> | null, changes: Partial<ServerFindings> = {}) {
  const server = { ...newServer('10.0.0.1'), debug: debug && { ...DEBUG, ...debug } }
  return judgeServer({ server, forecast: NO_FORECAST, clockOffsetMs: 0, ...changes })
}

/** Full after 100 GiB; grows by 10 GiB a day, up to now. */
function growing(days: number, free: number): StoreSample[] {
  return Array.from({ length: days }, (_, n) => {
    const freeBytes = (free + 10 * (days - 1 - n)) * GIB
    return { at: NOW - (days - 1 - n) * DAY, freeBytes, usedBytes: 1000 * GIB - freeBytes }
  })
}

test('a server without a fault is well, and one that was not asked is unknown', () => {
  expect(judge({}).map(({ state }) => state)).toEqual(['OK'])
  expect(judge(null).map(({ state }) => state)).toEqual(['UNKNOWN'])
})

test('what is wrong is listed worst first, each with its reason', () => {
  const server = {
    ...newServer('10.0.0.1'),
    error: 'connection refused',
    lastSeen: '2026-11-24T05:00:00.123Z',
  }
  const store = { driver: 'local', freeBytes: null, totalBytes: null, error: 'EIO' }
  const full = `The disk is full: 1 MiB. ${FULL_DISK_TEXTS.stops} until 64 MiB are free`
  const debug = {
    ...DEBUG,
    store,
    problems: ['a job failed', full],
    capabilities: ['news'],
    version: '0.9.0',
  }
  const found = judgeServer({
    server: { ...server, debug },
    forecast: NO_FORECAST,
    clockOffsetMs: -7_200_000,
  })
  expect(found.map(({ state }) => state)).toEqual([
    'SILENT',
    'STORE_UNAVAILABLE',
    'DISK_FULL',
    'CLOCK_OFF',
    'OLD_VERSION',
  ])
  const because = found.map((one) => one.because)
  expect(because[0]).toBe('Its daemon last answered at 2026-11-24T05:00:00Z: connection refused')
  expect(because[1]).toBe('Its store cannot be used: EIO')
  expect(because[2]).toBe(full)
  expect(because[3]).toBe('Its clock is 2 hours behind that of the controller. Check NTP on both')
  expect(because[4]).toContain('(0.9.0) is older than the controller')
})

test.each([
  [['holds', 'pins'], 'holds, pins. Upgrade it: it deletes pinned snapshots when they are old enough'],
  [['pins'], 'pins. Upgrade it: it keeps what is pinned beyond the end of the pin'],
  [['undo'], 'undo. Upgrade it: what it deletes cannot be restored'],
  [['verify'], 'verify. Upgrade it'],
])('an older daemon without %j says what becomes of pins', (lacking, because) => {
  const capabilities = CAPABILITIES.filter((name) => !lacking.includes(name))
  const found = judge({ capabilities })
  expect(found.map(({ state }) => state)).toEqual(['OLD_VERSION'])
  expect(found[0]?.because.endsWith(`: ${because}`)).toBe(true)
})

test('a legacy daemon, and a clock in doubt', () => {
  expect(judge({ protocol: undefined, capabilities: undefined })).toMatchObject([
    { state: 'OLD_VERSION', because: 'It is a legacy daemon. Install backupd there' },
  ])
  expect(judge({ clock: { now: NOW, boot: 'b', inDoubt: true } })).toMatchObject([{ state: 'CLOCK_OFF' }])
})

test('a store is reported when it will be full soon at its own growth, with the day', () => {
  const soon = forecastStore(growing(10, 50))
  expect(soon.fullAt).toBe(NOW + 5 * DAY)
  expect(judge({}, { forecast: soon })).toEqual([
    {
      state: 'STORE_FULL',
      because: 'Its store will be full on 2026-11-29: 50.0 GiB are free, and it grows by 10.0 GiB a day',
    },
  ])
  expect(forecastStore(growing(10, 500))).toMatchObject({ isFull: false, fullAt: null })
  expect(
    forecastStore(
      growing(10, 500)
        .toReversed()
        .map((one, n) => ({ ...one, at: NOW + n * DAY })),
    ),
  ).toMatchObject({
    fullAt: null,
    bytesPerDay: 0,
  })
})

test('two days do not make a trend, but a full store is full', () => {
  expect(forecastStore(growing(3, 50))).toMatchObject({ fullAt: null })
  const forecast = forecastStore(growing(1, 5))
  expect(forecast).toMatchObject({ isFull: true, fullAt: null })
  expect(judge({}, { forecast })[0]?.because).toBe('Its store is full: 5.0 GiB are free')
})

test('a full store says what deleted backups take that can still be restored', () => {
  const forecast = forecastStore(growing(1, 5))
  const deletedRoom = { backups: 3, bytes: 40 * GIB, snapshots: 2 }
  const store = { driver: 'local', freeBytes: 5 * GIB, totalBytes: 1000 * GIB, error: null, deletedRoom }
  expect(judge({ store }, { forecast })[0]?.because).toBe(
    'Its store is full: 5.0 GiB are free; 3 deleted backups that can still be restored take 40.0 GiB. deleteBackups with "now: true" frees that room',
  )
  const snapshots = { ...store, deletedRoom: { backups: 0, bytes: 0, snapshots: 2 } }
  expect(judge({ store: snapshots }, { forecast })[0]?.because).toBe(
    'Its store is full: 5.0 GiB are free; 2 deleted snapshots can still be restored. deleteSnapshots with "now: true" frees their room at the next prune',
  )
})

test('the history of a store keeps the last time of each day, and forgets old days', () => {
  const history = new StoreHistory()
  for (let hour = 0; hour <= 40 * 24; hour++)
    history.note('10.0.0.1', { at: NOW + hour * 3_600_000, usedBytes: hour, freeBytes: 1 })
  const kept = history.list('10.0.0.1')
  expect(kept).toHaveLength(31)
  expect(kept.at(-2)?.usedBytes).toBe(40 * 24 - 7)
  expect(history.takeUnsaved()).toMatchObject([{ server: '10.0.0.1', usedBytes: 960 }])
  expect(history.takeUnsaved()).toEqual([])
})

test('a budget that is too small is told with the arithmetic', () => {
  const demand = {
    bytes: 23 * 1024 * GIB,
    nightlyBytes: 785 * GIB,
    shortestDays: 30,
    longestDays: 30,
    tooLarge: 0,
  }
  const behind = (changes: object) => {
    const verify = { ...demand, budgetBytes: 50 * GIB, ...changes }
    return judge({ verify }).map(({ state, because }) => `${state}: ${because}`)
  }
  const advice = 'Raise the budget, or the "within"'
  expect(behind({})).toEqual([
    `VERIFY_BEHIND: 23.0 TiB to read within 30 days need 785.0 GiB a night; the budget is 50.0 GiB. ${advice}`,
  ])
  expect(behind({ shortestDays: 7, budgetBytes: 784 * GIB })[0]).toContain('within 7 to 30 days need')
  expect(behind({ tooLarge: 3, budgetBytes: 1024 * GIB })).toEqual([
    `VERIFY_BEHIND: 3 archives are larger than the budget, and so never verified on a schedule; the budget is 1.0 TiB. ${advice}`,
  ])
  for (const enough of [{ budgetBytes: 785 * GIB }, { budgetBytes: null }])
    expect(behind(enough)).toEqual([expect.stringMatching(/^OK/)])
})
