import { corrupt } from './archive-fault.ts'

/** Passes the pieces on. Throws once they are more than the manifest says: a bomb must not fill the volume's disk. */
export async function* limitInflated(
  pieces: AsyncIterable<Buffer>,
  expectedBytes: number | undefined,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (expectedBytes !== undefined && bytes > expectedBytes)
      throw corrupt(`it inflates to more than ${expectedBytes} bytes, the size in its manifest`)
    yield piece
  }
}
