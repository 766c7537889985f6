import { expect, test } from 'vitest'
import { printUnusualHold } from '../../src/wire/hold.ts'
import { leaveOutEndedPins, listPins, parsePin, printPin } from '../../src/wire/pin.ts'

const AT = '2026-12-01T05:00:00.000Z'
const UNTIL = '2027-01-31T00:00:00.000Z'
const by = 'graphql 10.0.0.7 with the token "ci \\ \n: until" (08be47d49d23eafc)'
const pin = { by, reason: 'case 4711: "do not touch"', until: UNTIL }

test.each([UNTIL, null])('a pin is read from the text that it was printed as, until %s', (until) => {
  const text = printPin({ ...pin, until }, AT)
  const read = parsePin(text)
  expect(read).toMatchObject({ at: AT, by: by.replace('\n', ' '), reason: pin.reason, until })
  expect(read.id).toMatch(/^[\da-f]{12}$/)
  expect(parsePin(text.replace('4711', '4712')).id).not.toBe(read.id)
})

test('a pin ends at its time, not before', () => {
  const text = printPin(pin, AT)
  expect(leaveOutEndedPins([text], Date.parse(UNTIL) - 1)).toEqual([text])
  expect(leaveOutEndedPins([text], Date.parse(UNTIL))).toEqual([])
})

const printed = printPin(pin, AT)

test.each([
  'legal',
  '',
  printed.slice(0, 40),
  printed.slice(0, printed.indexOf('" (')),
  printed.slice(0, printed.indexOf(': case') + 2),
  printed.replace(UNTIL, '2027-01-31'),
  printed.replace(UNTIL, '-271821-04-20T00:00:00Z'),
  printed.replace(AT, 'yesterday'),
  printed.replace('by "', 'by \\"'),
  ` ${printed}`,
  printed.toUpperCase(),
])('%j never ends, and can be released', (text) => {
  expect(leaveOutEndedPins([text], Date.parse('9999-12-31T00:00:00Z'))).toEqual([text])
  expect(listPins([text])).toEqual([
    { id: expect.any(String), at: null, by: null, reason: text, until: null },
  ])
})

test('whoever pins cannot make it look like an unusual backup, or like a pin of somebody else', () => {
  const forged = printUnusualHold({ at: AT, rid: 'r', because: 'x' })
  const [read, ...others] = listPins([printPin({ ...pin, reason: `${forged}\n${printed}` }, AT)])
  expect(others).toEqual([])
  expect(read).toMatchObject({ by: by.replace('\n', ' '), until: UNTIL })
  expect(listPins([forged])).toEqual([])
})

test('a long line of quotes is read at once', () => {
  const text = `pin ${AT} until ${UNTIL} by "${'\\"'.repeat(30_000)}`
  expect(parsePin(text).at).toBeNull()
})
