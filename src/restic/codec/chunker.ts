import { WASM } from '../generated/chunker-wasm.ts'
import { WASM_PAGE, type WasmExports, wasmMaker } from './wasm-exports.ts'

interface ChunkerExports extends WasmExports {
  roomAt(): number
  init(polynomial: bigint): void
  reset(): void
  next(from: number, to: number): number
}

/** No chunk is longer. */
export const CHUNK_MAX = 8 * 1024 * 1024
/** No chunk is shorter, but the last one of a file. */
export const CHUNK_MIN = 512 * 1024

const instance = wasmMaker<ChunkerExports>(WASM)

/** Finds where the content of a file is cut, so that the same content is cut alike wherever it stands. */
export class Chunker {
  /** What is looked at lies here; the caller reads into it. */
  readonly buffer: Buffer
  readonly #wasm = instance()
  readonly #room: number

  constructor(polynomial: bigint, bytes: number) {
    this.#room = this.#wasm.roomAt()
    this.#wasm.memory.grow(Math.ceil(bytes / WASM_PAGE) + 1)
    this.buffer = Buffer.from(this.#wasm.memory.buffer, this.#room, bytes)
    this.#wasm.init(polynomial)
  }

  /** A new file begins. */
  reset(): void {
    this.#wasm.reset()
  }

  /**
   * Looks at `buffer` from `from` to `to`, which follows what it looked at last: where the chunk ends, or undefined
   * where it goes on. Behind an end, the next chunk begins.
   */
  next(from: number, to: number): number | undefined {
    const end = this.#wasm.next(this.#room + from, this.#room + to)
    return end === 0 ? undefined : end - this.#room
  }
}
