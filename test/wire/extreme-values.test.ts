import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeKeyBounds, timeKey, toSlice } from '../../src/catalog/keyset.ts'
import { isoTime, isoTimeOfNs } from '../../src/lib/clock.ts'
import { withoutControls } from '../../src/lib/plain-text.ts'
import { DateTime } from '../../src/resolvers/scalars.ts'
import { manifestText, parseManifest } from '../../src/store/manifest.ts'
import type { Manifest } from '../../src/wire/backup.ts'
import { parseCursor } from '../../src/wire/cursor.ts'
import { json, objectName as objectNameField } from '../../src/wire/fields.ts'
import { extremeSize, extremeTime } from '../support/extreme-entries.ts'

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const text = fc.string({ unit: 'binary' })
/** Control characters are escaped when a manifest is read, and no name may have them. */
const printable = text.map(withoutControls)
const objectName = printable.filter(
  (name) => !['', '.', '..'].includes(name) && !name.includes('/') && Buffer.byteLength(name) <= 255,
)
const anyMs = fc.oneof(
  fc.constantFrom(0, 8.64e15, -8.64e15, Number.MAX_VALUE, -Number.MAX_VALUE, 253_402_300_800_000),
  fc.double({ noNaN: true }),
  fc.integer(),
)

test('every time has an RFC 3339 text that GraphQL sends and reads', () => {
  fc.assert(
    fc.property(anyMs, (ms) => {
      const iso = isoTime(ms)
      expect(iso).toMatch(RFC_3339)
      expect(DateTime.serialize(iso)).toBe(iso)
      expect((DateTime.parseValue(iso) as Date).toISOString()).toBe(iso)
    }),
  )
})

test('texts of times sort like the times', () => {
  fc.assert(
    fc.property(extremeTime, extremeTime, (a, b) => {
      const [early, late] = a < b ? [a, b] : [b, a]
      expect(isoTimeOfNs(early) <= isoTimeOfNs(late)).toBe(true)
    }),
  )
})

test.each([
  ['+275760-09-13T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ['-271821-04-20T00:00:00.000Z', '0000-01-01T00:00:00.000Z'],
  ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05.123456789Z'],
])('the time of a file from an older daemon, %s, is sent as %s', (told, sent) => {
  expect(DateTime.serialize(told)).toBe(sent)
})

test('bounds of a list apply to every time in a filter', () => {
  const year = fc.constantFrom('0000', '0001', '1969', '2026', '9998', '9999')
  const zone = fc.constantFrom('Z', '+23:59', '-23:59')
  fc.assert(
    fc.property(year, zone, year, zone, (fromYear, fromZone, toYear, toZone) => {
      const from = `${fromYear}-01-01T00:00:00${fromZone}`
      const to = `${toYear}-12-31T23:59:59${toZone}`
      const bounds = makeKeyBounds({ from, to })
      const key = '2026-06-01T00:00:00.000Z'
      const isIn = Date.parse(from) <= Date.parse(key) && Date.parse(key) < Date.parse(to)
      expect(key >= (bounds.gte ?? '') && key < (bounds.lt ?? '')).toBe(isIn)
    }),
  )
})

test('a time with any fraction has a key', () => {
  expect(timeKey('9999-12-31T23:59:59.999999999-23:59')).toBe('9999-12-31T23:59:59.999Z')
  expect(timeKey('soon')).toBeUndefined()
})

test('every cursor leads back to its key, and is refused by other lists', () => {
  fc.assert(
    fc.property(text, (key) => {
      const { items } = toSlice([{ key, node: 1 }], { first: 1 }, 'record')
      const after = items[0]?.cursor ?? ''
      expect(parseCursor('record', { first: 1, after })).toBe(key)
      expect(() => parseCursor('backup', { first: 1, after })).toThrow('is not a cursor')
    }),
  )
})

test('a manifest with any printable texts and sizes is read back the same', () => {
  const manifest: fc.Arbitrary<Manifest> = fc.record({
    format: fc.constant(1 as const),
    name: objectName,
    mode: fc.constant('full' as const),
    app: printable,
    proc: printable,
    volume: printable,
    instanceNo: fc.nat(),
    containers: fc.array(printable),
    source: printable,
    server: fc.ipV4(),
    created: anyMs.map(isoTime),
    sequence: extremeSize,
    rid: fc.stringMatching(/^[\w-]{1,64}$/),
    jobId: printable,
    state: fc.constantFrom('success' as const, 'partial' as const),
    suspect: fc.option(printable),
    size: extremeSize,
    sha256: printable,
    entries: extremeSize,
    files: fc.nat(),
    index: fc.option(fc.record({ size: extremeSize, sha256: printable })),
    bytes: extremeSize,
    tarBytes: extremeSize,
    root: fc.record({ device: printable, mountPoint: fc.boolean() }),
    warnings: fc.array(printable),
    warningCount: extremeSize,
    notKept: fc.array(printable),
    durability: fc.constantFrom('synced' as const, 'acknowledged' as const),
    verified: fc.option(anyMs.map(isoTime)),
    corrupt: fc.option(fc.record({ at: anyMs.map(isoTime), reason: printable })),
    holds: fc.array(printable),
    writer: printable,
  })
  fc.assert(
    fc.property(manifest, (written) => {
      expect(parseManifest(written.name, manifestText(written))).toMatchObject({
        manifest: written,
        problem: null,
      })
    }),
  )
})

test('free JSON has at most 32 levels, and names at most 255 bytes', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`)
  expect([32, 33].map((levels) => json.safeParse(nested(levels)).success)).toEqual([true, false])
  expect(['é'.repeat(127), 'é'.repeat(128)].map((name) => objectNameField.safeParse(name).success)).toEqual([
    true,
    false,
  ])
})
