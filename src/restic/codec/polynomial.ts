import { randomBytes } from 'node:crypto'

/** Polynomials over GF(2), one bit per coefficient. A repository's rolling hash is computed modulo one of them. */
const DEGREE = 53

/** A random irreducible polynomial of degree 53. About one in 27 odd ones is irreducible. */
export function randomPolynomial(): bigint {
  for (;;) {
    const random = BigInt.asUintN(DEGREE, randomBytes(8).readBigUInt64LE())
    const candidate = (1n << BigInt(DEGREE)) | random | 1n
    if (isIrreducible(candidate)) return candidate
  }
}

/** Ben-Or's test: for every i up to half the degree, it has no factor in common with x^(2^i) - x. */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = findDegree(polynomial)
  if (degree < 1) return false
  let power = 2n
  for (let i = 1; i <= degree / 2; i++) {
    power = remainder(square(power), polynomial)
    if (greatestDivisor(polynomial, power ^ 2n) !== 1n) return false
  }
  return true
}

function findDegree(polynomial: bigint): number {
  return polynomial.toString(2).length - 1 - (polynomial === 0n ? 1 : 0)
}

/** Squaring puts a zero between all coefficients. */
function square(polynomial: bigint): bigint {
  return BigInt(`0b${polynomial.toString(2).split('').join('0')}`)
}

function remainder(dividend: bigint, divisor: bigint): bigint {
  const degree = findDegree(divisor)
  let rest = dividend
  for (let over = findDegree(rest) - degree; over >= 0; over = findDegree(rest) - degree) {
    rest ^= divisor << BigInt(over)
  }
  return rest
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b]
  while (smaller !== 0n) [larger, smaller] = [smaller, remainder(larger, smaller)]
  return larger
}
