import { expect, test } from 'vitest'
import { checkRow, rowJson, scanUsualRow } from '../../../src/restic/repository/index-row.ts'

const ID = '00ff'.repeat(16)
const usual = (fields: string) => `{"id":"${ID}","type":"data",${fields}}`
const read = (json: string) => scanUsualRow(Buffer.from(`[${json},{`), 1)

test.each([
  usual('"offset":0,"length":33'),
  usual('"offset":4294967295,"length":4294967295'),
  usual('"offset":7,"length":64,"uncompressed_length":1'),
  usual('"offset":7,"length":64,"uncompressed_length":0'),
  usual('"offset":70,"length":6400').replace('data', 'tree'),
])('%s is read like its JSON', (json) => {
  expect(read(json)).toEqual({ row: checkRow(JSON.parse(json)), end: json.length + 1 })
})

test('rows that we write are read without a JSON parser', () => {
  const row = checkRow(JSON.parse(usual('"offset":12,"length":345,"uncompressed_length":6789')))
  expect(read(rowJson(row))?.row).toEqual(row)
})

test.each([
  usual('"offset":0,"length":31'),
  usual('"offset":4294967296,"length":33'),
  usual('"offset":00,"length":33'),
  usual('"offset":0,"length":33.5'),
  usual('"offset":0,"length":-33'),
  usual('"offset":,"length":33'),
  usual('"offset":0,"length":33,"uncompressed_length":'),
  usual('"offset":0,"length":33,"more":1'),
  usual('"length":33,"offset":0'),
  usual('"offset": 0,"length":33'),
  usual('"offset":0,"length":33').replace('data', 'date'),
  usual('"offset":0,"length":33').replace('ff', 'FF'),
  usual('"offset":0,"length":33').replace('ff', 'f'),
  usual('"offset":0,"length":33').slice(0, -1),
  '',
])('%s is left to the JSON parser', (json) => {
  expect(read(json)).toBeUndefined()
})

const row = { id: ID, type: 'data', offset: 0, length: 33 }
test.each([
  { ...row, id: 7 },
  { ...row, id: ID.slice(1) },
  { ...row, id: ID.toUpperCase() },
  { ...row, type: 'date' },
  { ...row, type: undefined },
  { ...row, offset: -1 },
  { ...row, offset: '0' },
  { ...row, offset: 2 ** 32 },
  { ...row, length: 33.5 },
  { ...row, length: 2 ** 32 },
  { ...row, length: 31 },
  { ...row, uncompressed_length: -1 },
  { ...row, uncompressed_length: '1' },
])('%j is not a row of an index', (json) => {
  expect(checkRow({ ...row, type: 'tree' })).toMatchObject({ type: 'tree', offset: 0 })
  expect(() => checkRow(json)).toThrow(SyntaxError)
})
