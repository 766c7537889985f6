import { BlobIndex } from '../../src/restic/repository/blob-index.ts'

const BLOBS_PER_PACK = 1600
const words = new Uint32Array(8)
/** The id that numberedId() made last. */
const bytes = Buffer.from(words.buffer)

/** An id for a number, spread like a hash; the next call overwrites it. */
export function numberedId(n: number): Buffer {
  let x = n + 1
  for (let word = 0; word < 7; word++) {
    x = (Math.imul(x ^ (x >>> 16), 0x45d9f3b) + 0x9e3779b9) | 0
    words[word] = x ^ (x >>> 13)
  }
  words[7] = n
  return bytes
}

export const typeOfNumber = (n: number) => (n % 10 === 0 ? 'tree' : 'data')

/** An index of `count` blobs, the nth of them with number n. */
export function indexOfNumbers(count: number): BlobIndex {
  const index = new BlobIndex()
  let pack = 0
  for (let n = 0; n < count; n++) {
    const at = n % BLOBS_PER_PACK
    if (at === 0) pack = index.internPack((n / BLOBS_PER_PACK).toString(16).padStart(64, '0'))
    const place = { pack, offset: at * 10_000, length: 10_000, plainLength: 20_000 }
    index.add({ type: typeOfNumber(n), id: numberedId(n), ...place })
  }
  return index
}
