import { HookOutput } from '../hook-output.ts'

const HEADER_BYTES = 8
const STDOUT = 1
const MAX_TYPE = 3

/** Splits the stream of an exec: frames of a type (4 bytes), a length (4 bytes, big endian) and content. */
export class Demultiplexer {
  readonly stdout = new HookOutput()
  readonly stderr = new HookOutput()
  #header = Buffer.alloc(0)
  #output: HookOutput = this.stderr
  #left = 0

  /** Returns whether the stream can be understood so far. */
  add(chunk: Buffer): boolean {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left > 0) {
        this.#output.add(rest.subarray(0, this.#left))
        const used = Math.min(this.#left, rest.length)
        this.#left -= used
        rest = rest.subarray(used)
      } else {
        const used = HEADER_BYTES - this.#header.length
        this.#header = Buffer.concat([this.#header, rest.subarray(0, used)])
        rest = rest.subarray(used)
        if (this.#header.length === HEADER_BYTES && !this.#readHeader()) return false
      }
    }
    return true
  }

  #readHeader(): boolean {
    const type = this.#header[0] ?? 0
    this.#left = this.#header.readUInt32BE(4)
    this.#header = Buffer.alloc(0)
    this.#output = type === STDOUT ? this.stdout : this.stderr
    return type <= MAX_TYPE
  }
}
