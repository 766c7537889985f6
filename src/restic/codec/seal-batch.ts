import { createCipheriv, randomBytes } from 'node:crypto'
import { BLOCK, macKeysFor, type RepositoryKey, readyFor, SEAL_OVERHEAD } from './crypt.ts'
import { Poly1305 } from './poly1305.ts'

const mac = new Poly1305()

/** Where the next text of a batch begins: behind a block of its own even if this one is empty, so that it has its own IV. */
export function nextInBatch(at: number, length: number): number {
  return Math.ceil((at + Math.max(length, 1)) / BLOCK) * BLOCK
}

/**
 * Seals texts as seal() does, with one call of the cipher for all: the IV of the first is random, and that of each
 * other one is what the cipher has counted to, so that no counter is used twice. They lie in `texts`, each where
 * nextInBatch() says. Writes the sealed ones, one behind the other, into `sealed` from `at` on.
 */
export function sealBatch(
  key: RepositoryKey,
  { texts, lengths }: { texts: Buffer; lengths: readonly number[] },
  { sealed, at, first = randomBytes(BLOCK) }: { sealed: Buffer; at: number; first?: Buffer },
): void {
  const encrypted = createCipheriv('aes-256-ctr', readyFor(key).content, first).update(texts)
  const ivs = ivsOf(first, lengths)
  const macKeys = macKeysFor(key, ivs)
  let from = 0
  for (const [place, length] of lengths.entries()) {
    const text = at + BLOCK
    ivs.copy(sealed, at, place * BLOCK, (place + 1) * BLOCK)
    encrypted.copy(sealed, text, from, from + length)
    mac.begin(key.macR, macKeys.subarray(place * BLOCK, (place + 1) * BLOCK))
    mac.update(sealed.subarray(text, text + length)).writeTag(sealed, text + length)
    at += length + SEAL_OVERHEAD
    from = nextInBatch(from, length)
  }
}

function ivsOf(first: Buffer, lengths: readonly number[]): Buffer {
  const ivs = Buffer.allocUnsafe(lengths.length * BLOCK)
  let counted = 0
  for (const [place, length] of lengths.entries()) {
    writeSum(ivs.subarray(place * BLOCK, (place + 1) * BLOCK), first, counted)
    counted = nextInBatch(counted * BLOCK, length) / BLOCK
  }
  return ivs
}

/** Counters are numbers of 16 bytes, the highest first, and begin again at 0 behind the last. */
function writeSum(into: Buffer, counter: Buffer, blocks: number): void {
  let carry = blocks
  for (let at = BLOCK - 1; at >= 0; at--) {
    carry += counter[at] ?? 0
    into[at] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
}
