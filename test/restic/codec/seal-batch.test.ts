import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { newKey, SEAL_OVERHEAD, unseal } from '../../../src/restic/codec/crypt.ts'
import { nextInBatch, sealBatch } from '../../../src/restic/codec/seal-batch.ts'

const LENGTHS = [0, 1, 15, 16, 17, 1000, 0, 40_000, 4096]
const key = newKey()

function sealed(lengths: readonly number[], first?: Buffer<ArrayBuffer>) {
  const plains = lengths.map((length) => randomBytes(length))
  const texts = Buffer.alloc(lengths.reduce(nextInBatch, 0))
  let at = 0
  for (const plain of plains) {
    plain.copy(texts, at)
    at = nextInBatch(at, plain.length)
  }
  const into = Buffer.alloc(3 + lengths.reduce((sum, length) => sum + length + SEAL_OVERHEAD, 0))
  sealBatch(key, { texts, lengths }, { sealed: into, at: 3, first })
  let from = 3
  const pieces = lengths.map((length) => {
    const end = from + length + SEAL_OVERHEAD
    const piece = into.subarray(from, end)
    from = end
    return piece
  })
  return { plains, pieces }
}

test('each text of a batch can be decrypted alone', () => {
  const { plains, pieces } = sealed(LENGTHS)
  expect(pieces.map((piece) => unseal(key, piece))).toEqual(plains)
})

test('also if the counter wraps around', () => {
  const nearEnd = Buffer.alloc(16, 0xff)
  nearEnd[15] = 0xfe
  const { plains, pieces } = sealed(LENGTHS, nearEnd)
  expect(pieces.map((piece) => unseal(key, piece))).toEqual(plains)
})

test('no counter is used twice, in one batch or in two', () => {
  const used = new Set<bigint>()
  for (const { pieces } of [sealed(LENGTHS), sealed(LENGTHS)]) {
    for (const piece of pieces) {
      const iv = BigInt(`0x${piece.toString('hex', 0, 16)}`)
      const blocks = Math.ceil((piece.length - SEAL_OVERHEAD) / 16) || 1
      for (let block = 0n; block < blocks; block++) {
        const counter = BigInt.asUintN(128, iv + block)
        expect(used.has(counter)).toBe(false)
        used.add(counter)
      }
    }
  }
})
