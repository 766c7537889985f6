import { createHash } from 'node:crypto'

/** A part of the written data, for comparison when it is read back. */
export interface Sample {
  position: number
  length: number
  sha256: string
}

const LENGTH = 64 * 1024
const KEPT = 14

/**
 * Picks samples of 64 KiB from a stream: the first, the last, and 14 random ones in between, each chunk with the same
 * probability (reservoir sampling). An object of up to 64 KiB that is written at once is sampled as a whole.
 */
export class Samples {
  readonly #between: Sample[] = []
  readonly #tail = Buffer.allocUnsafe(LENGTH)
  #tailLength = 0
  #first: Sample | undefined
  #chunks = 0
  #written = 0

  add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#first ??= makeSample(chunk, 0, 0)
    const slot = this.#chunks < KEPT ? this.#chunks : Math.floor(Math.random() * (this.#chunks + 1))
    if (slot < KEPT) {
      const from = Math.floor(Math.random() * Math.max(1, chunk.length - LENGTH))
      this.#between[slot] = makeSample(chunk, from, this.#written + from)
    }
    this.#tailLength = Math.min(LENGTH, chunk.length)
    chunk.copy(this.#tail, 0, chunk.length - this.#tailLength)
    this.#chunks += 1
    this.#written += chunk.length
  }

  /** In order of position. */
  taken(): Sample[] {
    if (!this.#first) return []
    const last = makeSample(this.#tail.subarray(0, this.#tailLength), 0, this.#written - this.#tailLength)
    return [this.#first, ...this.#between, last].sort((a, b) => a.position - b.position)
  }
}

/** One sample that is the whole object. */
export function wholeSample(content: Buffer): Sample[] {
  return [{ position: 0, length: content.length, sha256: digestSample(content) }]
}

function makeSample(chunk: Buffer, from: number, position: number): Sample {
  const bytes = chunk.subarray(from, from + LENGTH)
  return { position, length: bytes.length, sha256: digestSample(bytes) }
}

export function digestSample(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
