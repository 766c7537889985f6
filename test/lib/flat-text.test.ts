import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flattenText } from '../../src/lib/flat-text.ts'

test('a flat text is the same text, lone surrogates included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(flattenText(text)).toBe(text)
    }),
  )
  expect(flattenText('\ud800a')).toBe('\ud800a')
})
