import { expect, test } from 'vitest'
import { makeLegacySource, parseLegacySource, type VolumeSource } from '../../src/wire/legacy-source.ts'

test.each<[VolumeSource, string]>([
  [{ source: '/data/db', mode: 'full' }, '/data/db'],
  [{ source: '/data/db', mode: 'increment' }, '/data/db@increment'],
  [{ source: '/data/a@increment/b', mode: 'full' }, '/data/a@increment/b'],
])('%j is "%s" in both directions', (volume, text) => {
  expect(makeLegacySource(volume)).toBe(text)
  expect(parseLegacySource(text)).toEqual(volume)
})

test('only the last suffix marks the increments', () => {
  expect(parseLegacySource('/data/a@increment@increment')).toEqual({
    source: '/data/a@increment',
    mode: 'increment',
  })
})
