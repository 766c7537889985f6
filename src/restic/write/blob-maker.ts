import { hash } from 'node:crypto'
import { release } from '../../lib/release.ts'
import type { ThreadWork } from '../../lib/thread.ts'
import { type RepositoryKey, seal, sentKey } from '../codec/crypt.ts'
import { compress } from '../codec/zstd.ts'
import type { AskMessage, BlobsMessage, ContentStart, SealedBlob } from './content-messages.ts'
import { ID_LENGTH, idsIn } from './content-messages.ts'
import { SmallBlobs, TINY } from './small-blobs.ts'

/** Above this, whether a piece can be compressed is tried on a sample from its middle. */
const SAMPLED = 256 * 1024
const SAMPLE = 32 * 1024
/** Saving less than this of it is not worth the work. */
const WORTHWHILE = 0.97
/** Blobs are handed over when they are so many bytes. */
const TOGETHER = 1 << 20

/** In a thread: makes blobs of the pieces that the repository does not have. */
export class BlobMaker {
  readonly #work: ThreadWork<ContentStart>
  readonly #key: RepositoryKey
  readonly #small: SmallBlobs
  readonly #flag: Int32Array
  readonly #wanted: Uint8Array

  constructor(work: ThreadWork<ContentStart>) {
    const { key, answers } = work.start
    this.#work = work
    this.#key = sentKey(key)
    this.#small = new SmallBlobs(this.#key)
    this.#flag = new Int32Array(answers, 0, 1)
    this.#wanted = new Uint8Array(answers, 4)
  }

  /**
   * Their ids, in order, when those that are wanted are handed over. At most ASKED_AT_ONCE pieces. `bytes` of content
   * they stand for, where that is more than they are.
   */
  put(pieces: readonly Buffer[], bytes = lengthOf(pieces)): Buffer {
    const ids = this.#askFor(pieces, bytes)
    let blobs: NewBlob[] = []
    let length = 0
    for (const [at, plain] of pieces.entries()) {
      this.#work.goOn()
      if (this.#wanted[at] !== 1) continue
      const blob = newBlob(this.#key, plain, ids.subarray(at * ID_LENGTH, (at + 1) * ID_LENGTH))
      blobs.push(blob)
      length += blob.sealed.length
      if (length < TOGETHER) continue
      this.#handOver(blobs)
      blobs = []
      length = 0
    }
    if (blobs.length > 0) this.#handOver(blobs)
    return ids
  }

  /** As put(), of pieces that are so short that they are handed over together. */
  putSmall(pieces: readonly Buffer[]): Buffer {
    const ids = this.#askFor(pieces, lengthOf(pieces))
    const isWanted = (_: unknown, at: number) => this.#wanted[at] === 1
    const wanted = pieces.filter(isWanted)
    this.#work.goOn()
    if (wanted.length === 0) return ids
    const message = this.#small.make(wanted, idsIn(ids).filter(isWanted))
    this.#work.send(message, [message.bytes.buffer])
    return ids
  }

  /** Their ids, when it is known which are wanted. */
  #askFor(pieces: readonly Buffer[], bytes: number): Buffer {
    const ids = Buffer.allocUnsafeSlow(pieces.length * ID_LENGTH)
    for (const [at, piece] of pieces.entries())
      ids.write(hash('sha256', piece, 'binary'), at * ID_LENGTH, ID_LENGTH, 'latin1')
    this.#ask({ kind: 'ask', ids, bytes })
    return ids
  }

  /** Waits for the answer. */
  #ask(message: AskMessage): void {
    Atomics.store(this.#flag, 0, 0)
    this.#work.send(message)
    Atomics.wait(this.#flag, 0, 0)
  }

  #handOver(blobs: NewBlob[]): void {
    const message = messageOf(blobs)
    this.#work.send(message, [message.bytes.buffer])
  }
}

interface NewBlob extends Omit<SealedBlob, 'length'> {
  id: Buffer
  sealed: Buffer
}

function messageOf(blobs: NewBlob[]): BlobsMessage {
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

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

/** Compressed where that makes it shorter. */
function newBlob(key: RepositoryKey, plain: Buffer, id: Buffer): NewBlob {
  const packed = plain.length < TINY || seemsIncompressible(plain) ? plain : compress(plain)
  const compressed = packed.length < plain.length
  const sealed = seal(key, compressed ? packed : plain)
  if (packed !== plain) release(packed)
  return { id, sealed, plainLength: plain.length, compressed }
}

function seemsIncompressible(plain: Buffer): boolean {
  if (plain.length < SAMPLED) return false
  const middle = (plain.length - SAMPLE) >> 1
  const packed = compress(plain.subarray(middle, middle + SAMPLE))
  const { length } = packed
  release(packed)
  return length > SAMPLE * WORTHWHILE
}
