import { expect, test } from 'vitest'
import { parseForm, parseJsonBody } from '../../src/daemon/http/body-values.ts'
import { RequestFields } from '../../src/wire/request-fields.ts'

const BAD_INPUT = expect.objectContaining({ code: 'BAD_INPUT' })

function form(body: string): RequestFields {
  return new RequestFields(parseForm(body))
}

function json(value: unknown): RequestFields {
  return new RequestFields(parseJsonBody(JSON.stringify(value)))
}

test.each([
  ['', 500],
  ['1', 1],
  ['1000', 1000],
])('a count "%s" is %d', (text, count) => {
  expect(form(`limit=${text}`).count('limit', 500, 1000)).toBe(count)
})

test.each(['0', '1001', '-1', '1.5', '1e2', '0x10', ' 7', '9999999999', 'x'])(
  'a count "%s" is refused, not rounded',
  (text) => {
    expect(() => json({ limit: text }).count('limit', 500, 1000)).toThrow(BAD_INPUT)
  },
)

test('an empty field differs from a missing one', () => {
  expect(form('').optional('snapshot')).toBeUndefined()
  expect(json({ snapshot: null }).optional('snapshot')).toBeUndefined()
  expect(() => form('snapshot=').optional('snapshot')).toThrow(BAD_INPUT)
  expect(form('snapshot=abc').optional('snapshot')).toBe('abc')
})

test('a form may repeat a field, JSON has a list; numbers and booleans become texts', () => {
  expect(form('files=a&files=b').list('files')).toEqual(['a', 'b'])
  expect(json({ files: ['a', 'b'], plan: true, limit: 7 }).list('files')).toEqual(['a', 'b'])
  expect(json({ plan: true }).text('plan')).toBe('true')
  expect(json({ limit: 7 }).text('limit')).toBe('7')
})

test.each([{ files: [['a']] }, { files: { a: 1 } }, { files: ['a', {}] }])(
  'JSON with a hidden text is refused: %j',
  (body) => {
    expect(() => json(body).list('files')).toThrow(BAD_INPUT)
  },
)

test.each(['[]', '"x"', '7', 'null', '{'])('a JSON body %s is refused', (body) => {
  expect(() => parseJsonBody(body)).toThrow(BAD_INPUT)
})

test('an empty JSON body has no fields', () => {
  expect(parseJsonBody(' \n').size).toBe(0)
})
