import { hash } from 'node:crypto'
import type { ThreadWork } from '../../lib/thread.ts'
import { compressShared } from '../codec/compressor.ts'
import { receiveKey } from '../codec/crypt.ts'
import {
  type AskMessage,
  type BlobsMessage,
  type ContentStart,
  ID_LENGTH,
  splitIds,
} from './content-messages.ts'
import { MessageMemory } from './message-memory.ts'
import { type NewBlob, OutgoingBlobs } from './outgoing-blobs.ts'
import { MIN_COMPRESSED_BYTES, SmallBlobs } from './small-blobs.ts'

/** For larger pieces, a sample from the middle decides whether they are compressed. */
const MIN_SAMPLED_BYTES = 256 * 1024
const SAMPLE_BYTES = 32 * 1024
/** Compression must reach this ratio to be worth the work. */
const MAX_USEFUL_RATIO = 0.97

/** Runs in a thread: makes blobs of the pieces that the repository does not have. */
export class BlobMaker {
  readonly #work: ThreadWork<ContentStart>
  readonly #small: SmallBlobs
  readonly #outgoing: OutgoingBlobs
  readonly #flag: Int32Array
  readonly #wanted: Uint8Array

  constructor(work: ThreadWork<ContentStart>) {
    const { answers, returns } = work.start
    const key = receiveKey(work.start.key)
    const memory = new MessageMemory(returns)
    this.#work = work
    this.#small = new SmallBlobs(key, memory)
    this.#outgoing = new OutgoingBlobs({ key, memory, send: (message) => this.#send(message) })
    this.#flag = new Int32Array(answers, 0, 1)
    this.#wanted = new Uint8Array(answers, 4)
  }

  /**
   * Hands over the pieces that are needed, and returns the ids of all, in order. At most MAX_PER_ASK pieces. `bytes`:
   * the size of the content that they stand for, if that is more than their own size.
   */
  put(pieces: readonly Buffer[], bytes = sumLengths(pieces)): Buffer {
    const ids = this.#askFor(pieces, bytes)
    for (const [at, plain] of pieces.entries()) {
      this.#work.throwIfEnding()
      if (this.#wanted[at] === 1)
        this.#outgoing.add(packPiece(plain, ids.subarray(at * ID_LENGTH, (at + 1) * ID_LENGTH)))
    }
    this.#outgoing.send()
    return ids
  }

  /** Like put(), for short pieces, which are all handed over together. */
  putSmall(pieces: readonly Buffer[]): Buffer {
    const ids = this.#askFor(pieces, sumLengths(pieces))
    const isWanted = (_: unknown, at: number) => this.#wanted[at] === 1
    const wanted = pieces.filter(isWanted)
    this.#work.throwIfEnding()
    if (wanted.length === 0) return ids
    this.#send(this.#small.make(wanted, splitIds(ids).filter(isWanted)))
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

  #send(message: BlobsMessage): void {
    this.#work.send(message, [message.bytes.buffer])
  }
}

function sumLengths(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

/** Compresses the piece if that makes it shorter. */
function packPiece(plain: Buffer, id: Buffer): NewBlob {
  const packed =
    plain.length < MIN_COMPRESSED_BYTES || seemsIncompressible(plain) ? plain : compressShared(plain)
  const compressed = packed.length < plain.length
  return { id, bytes: compressed ? packed : plain, plainLength: plain.length, compressed }
}

function seemsIncompressible(plain: Buffer): boolean {
  if (plain.length < MIN_SAMPLED_BYTES) return false
  const middle = (plain.length - SAMPLE_BYTES) >> 1
  const { length } = compressShared(plain.subarray(middle, middle + SAMPLE_BYTES))
  return length > SAMPLE_BYTES * MAX_USEFUL_RATIO
}
