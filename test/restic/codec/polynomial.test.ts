import { expect, test } from 'vitest'
import { isIrreducible, randomPolynomial } from '../../../src/restic/codec/polynomial.ts'

/** Every polynomial of a small degree that no smaller one divides, by trying. */
function irreducibles(upTo: bigint): bigint[] {
  const found: bigint[] = []
  for (let candidate = 2n; candidate < upTo; candidate++) {
    if (found.every((factor) => !divides(factor, candidate))) found.push(candidate)
  }
  return found
}

function divides(factor: bigint, polynomial: bigint): boolean {
  const length = (bits: bigint) => bits.toString(2).length
  let rest = polynomial
  while (rest !== 0n && length(rest) >= length(factor))
    rest ^= factor << BigInt(length(rest) - length(factor))
  return rest === 0n
}

test('small polynomials are recognized as irreducible or not', () => {
  const expected = irreducibles(2048n)
  const found = Array.from({ length: 2048 }, (_, n) => BigInt(n)).filter(isIrreducible)
  expect(found).toEqual(expected)
})

test('the one of restic’s documentation is irreducible', () => {
  expect(isIrreducible(0x3da3358b4dc173n)).toBe(true)
  expect(isIrreducible(0x3da3358b4dc171n)).toBe(false)
})

test('random ones are irreducible, of degree 53, and differ', () => {
  const made = Array.from({ length: 5 }, () => randomPolynomial())
  for (const polynomial of made) {
    expect(isIrreducible(polynomial)).toBe(true)
    expect(polynomial >> 53n).toBe(1n)
  }
  expect(new Set(made).size).toBe(5)
})
