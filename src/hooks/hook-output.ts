/** Bytes kept of each stream of a hook. */
export const MAX_OUTPUT_BYTES = 64 * 1024

/** The end of what a hook writes to one stream; what was before it is only counted. */
export class HookOutput {
  #chunks: Buffer[] = []
  #kept = 0
  #total = 0

  add(chunk: Buffer): void {
    this.#total += chunk.length
    // A copy, so that a small end does not hold a large buffer.
    const end = Buffer.from(chunk.subarray(-MAX_OUTPUT_BYTES))
    this.#chunks.push(end)
    this.#kept += end.length
    if (this.#kept > 2 * MAX_OUTPUT_BYTES || this.#chunks.length > 64) this.#join()
  }

  get text(): string {
    this.#join()
    const left = this.#total - this.#kept
    return `${left > 0 ? `(${left} bytes before are left out) ` : ''}${this.#chunks[0]?.toString('utf8') ?? ''}`
  }

  #join(): void {
    const end = Buffer.from(Buffer.concat(this.#chunks).subarray(-MAX_OUTPUT_BYTES))
    this.#chunks = [end]
    this.#kept = end.length
  }
}
