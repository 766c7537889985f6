/** Gives memory back now: left to the garbage collector, such buffers add up to most of what a backup takes. */
export function release(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}
