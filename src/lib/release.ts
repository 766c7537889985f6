/**
 * Frees memory now, unless it is of the pool that small buffers share. Left to the garbage collector, such buffers would
 * be most of the memory in use.
 */
export function release(bytes: Buffer): void {
  const { buffer, length } = bytes
  const isShared = length < buffer.byteLength && buffer.byteLength <= Buffer.poolSize
  if (buffer instanceof ArrayBuffer && !isShared) buffer.transfer(0)
}
