/**
 * Frees memory now, unless it is of the pool that small buffers share. Left to the garbage collector, such buffers would
 * be most of the memory in use. Nothing happens if it was freed before.
 */
export function release(bytes: Buffer): void {
  const { buffer, length } = bytes
  const isOwn = buffer.byteLength > Buffer.poolSize || (length > 0 && length === buffer.byteLength)
  if (buffer instanceof ArrayBuffer && isOwn) buffer.transfer(0)
}
