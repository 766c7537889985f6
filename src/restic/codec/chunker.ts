import { WASM } from '../generated/chunker-wasm.ts'
import { WASM_PAGE_BYTES, type WasmExports, wasmMaker } from './wasm-exports.ts'

interface ChunkerExports extends WasmExports {
  roomAt(): number
  init(polynomial: bigint): void
  reset(): void
  next(from: number, to: number): number
}

export const MAX_CHUNK_BYTES = 8 * 1024 * 1024
/** Only the last chunk of a file may be shorter. */
export const MIN_CHUNK_BYTES = 512 * 1024

const instance = wasmMaker<ChunkerExports>(WASM)

/** Content-defined chunking: equal content is cut at the same places, wherever it is in a file. */
export class Chunker {
  /** The caller reads file content into this buffer. */
  readonly buffer: Buffer
  readonly #wasm = instance()
  readonly #room: number

  constructor(polynomial: bigint, bytes: number) {
    this.#room = this.#wasm.roomAt()
    this.#wasm.memory.grow(Math.ceil(bytes / WASM_PAGE_BYTES) + 1)
    this.buffer = Buffer.from(this.#wasm.memory.buffer, this.#room, bytes)
    this.#wasm.init(polynomial)
  }

  /** Call it before each file. */
  reset(): void {
    this.#wasm.reset()
  }

  /**
   * Scans `buffer` from `from` to `to`; `from` follows the bytes that were scanned last. Returns the end of the chunk,
   * where the next one begins, or undefined if the chunk does not end there.
   */
  next(from: number, to: number): number | undefined {
    const end = this.#wasm.next(this.#room + from, this.#room + to)
    return end === 0 ? undefined : end - this.#room
  }
}
