import { constants, createZstdCompress } from 'node:zlib'
import { compress, LEVEL } from './zstd.ts'

/** What Node's own zstdCompressSync works with. It makes new ones for each text, which takes longer than to compress a short one. */
interface Engine {
  _handle: { writeSync(flush: number, ...ranges: readonly (Buffer | number)[]): void }
  /** Bytes of room, then bytes of input, that the last call left. */
  _writeState: Uint32Array
}

/** Compresses many short texts with one context, as compress() does each. */
export class SmallCompressor {
  readonly #engine = makeEngine()

  /** Writes into `room` from `at` on, which must take compressBound() bytes there; returns the bytes written. */
  compressInto(room: Buffer, at: number, plain: Buffer): number {
    const engine = this.#engine
    if (!engine) return compress(plain).copy(room, at)
    const available = room.length - at
    // What fails inside leaves it as it was.
    engine._writeState.fill(0)
    engine._handle.writeSync(constants.ZSTD_e_end, plain, 0, plain.length, room, at, available)
    const [left = 0, unread] = engine._writeState
    if (left === 0 || unread !== 0) throw new RangeError('a compressed text does not fit into its room')
    return available - left
  }
}

/** The most that a text of so many bytes becomes (ZSTD_COMPRESSBOUND). */
export function compressBound(length: number): number {
  return length + (length >> 8) + 64
}

/** Undefined where this Node hides it. */
function makeEngine(): Engine | undefined {
  const engine = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  }) as unknown as Partial<Engine>
  const isKnown = typeof engine._handle?.writeSync === 'function' && engine._writeState instanceof Uint32Array
  return isKnown ? (engine as Engine) : undefined
}
