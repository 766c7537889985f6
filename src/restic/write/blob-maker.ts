import { hash } from 'node:crypto'
import { release } from '../../lib/release.ts'
import type { ThreadWork } from '../../lib/thread.ts'
import { compressShared } from '../codec/compressor.ts'
import { type RepositoryKey, receiveKey, seal } from '../codec/crypt.ts'
import type { AskMessage, BlobsMessage, ContentStart, SealedBlob } from './content-messages.ts'
import { ID_LENGTH, splitIds } from './content-messages.ts'
import { MIN_COMPRESSED_BYTES, SmallBlobs } from './small-blobs.ts'

/** For larger pieces, a sample from the middle decides whether they are compressed. */
const MIN_SAMPLED_BYTES = 256 * 1024
const SAMPLE_BYTES = 32 * 1024
/** Compression must reach this ratio to be worth the work. */
const MAX_USEFUL_RATIO = 0.97
/** Bytes of blobs that are handed over together. */
const BATCH_BYTES = 1 << 20

/** Runs in a thread: makes blobs of the pieces that the repository does not have. */
export class BlobMaker {
  readonly #work: ThreadWork<ContentStart>
  readonly #key: RepositoryKey
  readonly #small: SmallBlobs
  readonly #flag: Int32Array
  readonly #wanted: Uint8Array

  constructor(work: ThreadWork<ContentStart>) {
    const { key, answers } = work.start
    this.#work = work
    this.#key = receiveKey(key)
    this.#small = new SmallBlobs(this.#key)
    this.#flag = new Int32Array(answers, 0, 1)
    this.#wanted = new Uint8Array(answers, 4)
  }

  /**
   * Hands over the pieces that are needed, and returns the ids of all, in order. At most MAX_PER_ASK pieces. `bytes`:
   * the size of the content that they stand for, if that is more than their own size.
   */
  put(pieces: readonly Buffer[], bytes = sumLengths(pieces)): Buffer {
    const ids = this.#askFor(pieces, bytes)
    let blobs: NewBlob[] = []
    let length = 0
    for (const [at, plain] of pieces.entries()) {
      this.#work.throwIfEnding()
      if (this.#wanted[at] !== 1) continue
      const blob = newBlob(this.#key, plain, ids.subarray(at * ID_LENGTH, (at + 1) * ID_LENGTH))
      blobs.push(blob)
      length += blob.sealed.length
      if (length < BATCH_BYTES) continue
      this.#handOver(blobs)
      blobs = []
      length = 0
    }
    if (blobs.length > 0) this.#handOver(blobs)
    return ids
  }

  /** Like put(), for short pieces, which are all handed over together. */
  putSmall(pieces: readonly Buffer[]): Buffer {
    const ids = this.#askFor(pieces, sumLengths(pieces))
    const isWanted = (_: unknown, at: number) => this.#wanted[at] === 1
    const wanted = pieces.filter(isWanted)
    this.#work.throwIfEnding()
    if (wanted.length === 0) return ids
    const message = this.#small.make(wanted, splitIds(ids).filter(isWanted))
    this.#work.send(message, [message.bytes.buffer])
    return ids
  }

  /** Returns the ids of the pieces; after it, `#wanted` says which ones are needed. */
  #askFor(pieces: readonly Buffer[], bytes: number): Buffer {
    const ids = Buffer.allocUnsafeSlow(pieces.length * ID_LENGTH)
    for (const [at, piece] of pieces.entries())
      ids.write(hash('sha256', piece, 'binary'), at * ID_LENGTH, ID_LENGTH, 'latin1')
    this.#ask({ kind: 'ask', ids, bytes })
    return ids
  }

  /** Blocks until the main thread answers. */
  #ask(message: AskMessage): void {
    Atomics.store(this.#flag, 0, 0)
    this.#work.send(message)
    Atomics.wait(this.#flag, 0, 0)
  }

  #handOver(blobs: NewBlob[]): void {
    const message = encodeMessage(blobs)
    this.#work.send(message, [message.bytes.buffer])
  }
}

interface NewBlob extends Omit<SealedBlob, 'length'> {
  id: Buffer
  sealed: Buffer
}

function encodeMessage(blobs: NewBlob[]): BlobsMessage {
  const described = blobs.map(({ sealed, plainLength, compressed }) => ({
    length: sealed.length,
    plainLength,
    compressed,
  }))
  const length = blobs.reduce((sum, { sealed }) => sum + ID_LENGTH + sealed.length, 0)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of [...blobs.map(({ id }) => id), ...blobs.map(({ sealed }) => sealed)]) {
    bytes.set(part, at)
    at += part.length
  }
  for (const { sealed } of blobs) release(sealed)
  return { kind: 'blobs', blobs: described, bytes }
}

function sumLengths(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

/** Compresses the piece if that makes it shorter, and seals it. */
function newBlob(key: RepositoryKey, plain: Buffer, id: Buffer): NewBlob {
  const packed =
    plain.length < MIN_COMPRESSED_BYTES || seemsIncompressible(plain) ? plain : compressShared(plain)
  const compressed = packed.length < plain.length
  const sealed = seal(key, compressed ? packed : plain)
  return { id, sealed, plainLength: plain.length, compressed }
}

function seemsIncompressible(plain: Buffer): boolean {
  if (plain.length < MIN_SAMPLED_BYTES) return false
  const middle = (plain.length - SAMPLE_BYTES) >> 1
  const { length } = compressShared(plain.subarray(middle, middle + SAMPLE_BYTES))
  return length > SAMPLE_BYTES * MAX_USEFUL_RATIO
}
