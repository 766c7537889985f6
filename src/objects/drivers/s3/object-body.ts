import { Readable } from 'node:stream'

interface Body {
  transformToByteArray(): Promise<Uint8Array>
}

/** The content that an answer has, as a whole. */
export async function collectBody(body: Body | undefined): Promise<Buffer> {
  const { buffer, byteOffset, byteLength } = (await body?.transformToByteArray()) ?? new Uint8Array()
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The content as it arrives. The SDK gives a stream of Node on Node. */
export function streamBody(body: unknown): AsyncIterable<Buffer> {
  if (body instanceof Readable) return body
  throw new TypeError('the SDK gave the content of an object in an unknown form')
}

/** Ends the request before the content arrives. */
export function discardBody(body: unknown): void {
  if (body instanceof Readable) body.destroy()
}
