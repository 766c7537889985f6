import { expect, test } from 'vitest'
import { hasControls, withoutControls } from '../../src/lib/plain-text.ts'

test.each([
  ['a b', 'a b'],
  ['a\nb\r\tc', 'a b  c'],
  ['\x1b[31mred\x07', '\\x1b[31mred\\x07'],
  ['\x00\x7f\u009b', '\\x00\\x7f\\x9b'],
  ['two \x1b of \x1b them', 'two \\x1b of \\x1b them'],
  ['Grüße 日本 😀', 'Grüße 日本 😀'],
])('no name moves the cursor of a terminal: %j is printed as %j', (text, shown) => {
  expect(withoutControls(text)).toBe(shown)
  expect(hasControls(shown)).toBe(false)
})

test('whether a text has control characters does not depend on earlier calls', () => {
  for (let n = 0; n < 3; n++) expect(hasControls('a\x1bb')).toBe(true)
})
