import { expect, test } from 'vitest'
import { IndexPieces } from '../../../src/restic/repository/index-pieces.ts'

/** What comes of `text` when it is handed over in pieces of `length` bytes. */
function piecesOf(text: string, length: number): unknown[] {
  const found: unknown[] = []
  const pieces = new IndexPieces({
    blob: (json) => void found.push(['blob', JSON.parse(json)]),
    pack: (json) => void found.push(['pack', JSON.parse(json)]),
    rest: (json) => void found.push(['rest', JSON.parse(json)]),
  })
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length))
  pieces.end()
  return found
}

const INDEX = {
  supersedes: ['a', 'b'],
  packs: [
    {
      id: 'p1',
      blobs: [
        { id: '1', offset: 0 },
        { id: '2', offset: 7 },
      ],
    },
    { id: 'p2', blobs: [] },
    { id: 'p3', blobs: [{ id: '}{"\\', offset: 0, more: { deep: [1, 2] } }] },
  ],
}
const EXPECTED = [
  ['blob', { id: '1', offset: 0 }],
  ['blob', { id: '2', offset: 7 }],
  ['pack', { id: 'p1', blobs: [] }],
  ['pack', { id: 'p2', blobs: [] }],
  ['blob', { id: '}{"\\', offset: 0, more: { deep: [1, 2] } }],
  ['pack', { id: 'p3', blobs: [] }],
  ['rest', { supersedes: ['a', 'b'], packs: [] }],
]

test.each([1, 2, 3, 7, 50, 10_000])('an index in pieces of %i bytes is read', (length) => {
  expect(piecesOf(JSON.stringify(INDEX), length)).toEqual(EXPECTED)
  expect(piecesOf(JSON.stringify(INDEX, null, 2), length)).toEqual(EXPECTED)
})

test('fields in another order are read', () => {
  const text = '{"packs":[{"blobs":[{"id":"1"}],"id":"p"}],"supersedes":["a"]}'
  expect(piecesOf(text, 5)).toEqual([
    ['blob', { id: '1' }],
    ['pack', { blobs: [], id: 'p' }],
    ['rest', { packs: [], supersedes: ['a'] }],
  ])
})

test.each(['', '{"packs":[', '{"packs":[]', '{"packs":[]}}', '"', '{"a":}'])('%j is refused', (text) => {
  const refused = () => {
    if (piecesOf(text, 3).length === 0) throw new SyntaxError('it holds nothing')
  }
  expect(refused).toThrow(SyntaxError)
})
