import { expect, test } from 'vitest'
import { z } from 'zod'
import { addFlaw, makeLabel, parseEach, tolerantObject, tolerantPage } from '../../src/wire/tolerant.ts'

const item = z.object({ name: z.string() })

test('one bad item is set aside by its name, and the others count', () => {
  const { good, setAside } = parseEach(item, [{ name: 'a' }, { name: 7, rid: 'r1' }, null, { name: 'b' }])
  expect(good).toEqual([{ name: 'a' }, { name: 'b' }])
  expect(setAside).toEqual([
    expect.stringMatching(/^r1: name: /),
    expect.stringMatching(/^an item without a name: /),
  ])
})

test('of thousands of faults a hundred are reported, and that there are more', () => {
  const flaws: string[] = []
  for (let n = 1; n <= 100; n++) addFlaw(flaws, `flaw ${n}`)
  expect([flaws.length, flaws.at(-1)]).toEqual([100, 'flaw 100'])
  for (let n = 0; n < 3; n++) addFlaw(flaws, 'another')
  expect([flaws.length, flaws.at(-2), flaws.at(-1)]).toEqual([100, 'flaw 99', 'and more'])
})

test('items that a daemon set aside are passed on without control characters, at most a hundred', () => {
  const page = tolerantPage('items', item, { next: z.string().nullable() })
  const told = Array.from({ length: 150 }, (_, n) => `bad \u001b ${n}`)
  const parsed = page.parse({ items: [{ name: 'a' }, {}], next: null, setAside: told })
  expect(parsed.items).toEqual([{ name: 'a' }])
  expect(parsed.setAside).toHaveLength(101)
  expect(parsed.setAside?.[0]).toBe('bad \\x1b 0')
  expect(page.parse({ items: [], next: null })).toEqual({ items: [], next: null })
  expect(page.safeParse({ items: {}, next: null }).success).toBe(false)
})

test('a bad optional field is left out and reported; a bad required one is an error', () => {
  const object = tolerantObject(
    z.object({ need: z.number(), may: z.string().optional(), setAside: z.array(z.string()).optional() }),
  )
  expect(object.parse({ need: 1, may: 'x' })).toEqual({ need: 1, may: 'x' })
  expect(object.parse({ need: 1, may: 7 })).toEqual({ need: 1, setAside: [expect.stringMatching(/^may: /)] })
  for (const bad of [{ need: 'x' }, null, 7, []]) expect(object.safeParse(bad).success).toBe(false)
})

test('a label is short, whoever sends it', () => {
  expect(makeLabel({ name: 'x'.repeat(5000) })).toHaveLength(100)
  expect(makeLabel({ name: 7, id: 'a\u001bb' })).toBe('a\\x1bb')
})
