import { WASM } from '../generated/poly1305-wasm.ts'
import { type WasmExports, wasmMaker } from './wasm-exports.ts'

interface Poly1305Exports extends WasmExports {
  keyAt(): number
  inputAt(): number
  room(): number
  begin(): void
  update(): void
  finish(length: number): void
}

const KEY_LENGTH = 32
const TAG_LENGTH = 16

const instance = wasmMaker<Poly1305Exports>(WASM)

/** The one-time authenticator of RFC 8439, section 2.5. Messages may come in pieces, one message after another. */
export class Poly1305 {
  readonly #wasm = instance()
  readonly #input = view(this.#wasm, this.#wasm.inputAt(), this.#wasm.room())
  readonly #key = view(this.#wasm, this.#wasm.keyAt(), KEY_LENGTH)
  #filled = 0

  /** `r` is the whole key `r ‖ s`, 32 bytes, or `s` is given separately. A key must never be used for two messages. */
  begin(r: Buffer, s?: Buffer): this {
    this.#key.set(r)
    if (s) this.#key.set(s, r.length)
    this.#filled = 0
    this.#wasm.begin()
    return this
  }

  update(bytes: Buffer): this {
    if (bytes.length < this.#input.length - this.#filled) {
      this.#input.set(bytes, this.#filled)
      this.#filled += bytes.length
      return this
    }
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#input.length - this.#filled)
      this.#input.set(piece, this.#filled)
      at += piece.length
      this.#filled += piece.length
      if (this.#filled === this.#input.length) {
        this.#wasm.update()
        this.#filled = 0
      }
    }
    return this
  }

  tag(): Buffer {
    const tag = Buffer.allocUnsafe(TAG_LENGTH)
    this.writeTag(tag, 0)
    return tag
  }

  writeTag(into: Buffer, at: number): void {
    this.#wasm.finish(this.#filled)
    this.#key.copy(into, at, 0, TAG_LENGTH)
  }
}

function view(wasm: Poly1305Exports, at: number, length: number): Buffer {
  return Buffer.from(wasm.memory.buffer, at, length)
}
