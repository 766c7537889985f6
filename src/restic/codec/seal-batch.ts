import { randomBytes } from 'node:crypto'
import { BLOCK_BYTES, deriveMacKeys, encryptInto, type RepositoryKey, SEAL_OVERHEAD } from './crypt.ts'
import { Poly1305 } from './poly1305.ts'

const mac = new Poly1305()

/** Where the next text of a batch begins. Even an empty text fills a block, so that each one has its own IV. */
export function nextInBatch(at: number, length: number): number {
  return Math.ceil((at + Math.max(length, 1)) / BLOCK_BYTES) * BLOCK_BYTES
}

/**
 * Seals texts like seal(), but with one call of the cipher for all: the first IV is random, and each other one is the
 * value that the cipher's counter has reached, so that no counter is used twice. The texts start in `texts` where
 * nextInBatch() says, and are overwritten. Writes the sealed texts, concatenated, into `sealed`, starting at `at`.
 */
export function sealBatch(
  key: RepositoryKey,
  { texts, lengths }: { texts: Buffer; lengths: readonly number[] },
  { sealed, at, first = randomBytes(BLOCK_BYTES) }: { sealed: Buffer; at: number; first?: Buffer },
): void {
  encryptInto({ key, iv: first }, texts, texts)
  const ivs = makeIvs(first, lengths)
  const macKeys = deriveMacKeys(key, ivs)
  let from = 0
  for (const [place, length] of lengths.entries()) {
    const text = at + BLOCK_BYTES
    ivs.copy(sealed, at, place * BLOCK_BYTES, (place + 1) * BLOCK_BYTES)
    texts.copy(sealed, text, from, from + length)
    mac.begin(key.macR, macKeys.subarray(place * BLOCK_BYTES, (place + 1) * BLOCK_BYTES))
    mac.update(sealed.subarray(text, text + length)).writeTag(sealed, text + length)
    at += length + SEAL_OVERHEAD
    from = nextInBatch(from, length)
  }
}

function makeIvs(first: Buffer, lengths: readonly number[]): Buffer {
  const ivs = Buffer.allocUnsafe(lengths.length * BLOCK_BYTES)
  let counted = 0
  for (const [place, length] of lengths.entries()) {
    writeSum(ivs.subarray(place * BLOCK_BYTES, (place + 1) * BLOCK_BYTES), first, counted)
    counted = nextInBatch(counted * BLOCK_BYTES, length) / BLOCK_BYTES
  }
  return ivs
}

/** Counters are big-endian numbers of 16 bytes that wrap around. */
function writeSum(into: Buffer, counter: Buffer, blocks: number): void {
  let carry = blocks
  for (let at = BLOCK_BYTES - 1; at >= 0; at--) {
    carry += counter[at] ?? 0
    into[at] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
}
