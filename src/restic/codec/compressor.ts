import { constants, createZstdCompress } from 'node:zlib'
import { COMPRESSION_LEVEL, compress } from './zstd.ts'

/** The internals of a zstd stream. zstdCompressSync creates one per text, which costs more than a short text itself. */
interface Engine {
  _handle: { writeSync(flush: number, ...ranges: readonly (Buffer | number)[]): void }
  /** The unused bytes of the output, then those of the input, after the last call. */
  _writeState: Uint32Array
}

/** Compresses many texts like compress(), but with one zstd context for all. */
export class Compressor {
  #engine = makeEngine()

  /** Writes into `room` at `at`, where compressBound() bytes must be free. Returns the number of bytes written. */
  compressInto(room: Buffer, at: number, plain: Buffer): number {
    const engine = this.#engine
    if (!engine) return compress(plain).copy(room, at)
    const available = room.length - at
    // An internal error leaves the state unchanged, and the check below then finds zeros.
    engine._writeState.fill(0)
    engine._handle.writeSync(constants.ZSTD_e_end, plain, 0, plain.length, room, at, available)
    const [left = 0, unread] = engine._writeState
    if (left > 0 && unread === 0) return available - left
    // The context may still hold the rest of this text, which would be written before the next one.
    this.#engine = makeEngine()
    throw new RangeError('a compressed text does not fit into its room')
  }
}

let shared: { compressor: Compressor; room: Buffer } | undefined

/** Like compress(), with one context for each thread. The result is valid until the next call in this thread. */
export function compressShared(plain: Buffer): Buffer {
  const bound = compressBound(plain.length)
  shared ??= { compressor: new Compressor(), room: Buffer.allocUnsafeSlow(bound) }
  if (shared.room.length < bound)
    shared.room = Buffer.allocUnsafeSlow(Math.max(bound, 2 * shared.room.length))
  return shared.room.subarray(0, shared.compressor.compressInto(shared.room, 0, plain))
}

/** The largest compressed size of a text of `length` bytes (ZSTD_COMPRESSBOUND). */
export function compressBound(length: number): number {
  return length + (length >> 8) + 64
}

/** Undefined if this version of Node hides the internals. */
function makeEngine(): Engine | undefined {
  const engine = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL },
  }) as unknown as Partial<Engine>
  const isKnown = typeof engine._handle?.writeSync === 'function' && engine._writeState instanceof Uint32Array
  return isKnown ? (engine as Engine) : undefined
}
