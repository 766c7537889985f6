import { createCipheriv, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Poly1305 } from '../../../src/restic/codec/poly1305.ts'

const mac = new Poly1305()

function tagOf(key: Buffer, message: Buffer): string {
  return mac.begin(key).update(message).tag().toString('hex')
}

const ff = 'ff'.repeat(15)
const zeros = '00'.repeat(15)

describe('RFC 8439', () => {
  test('2.5.2, the worked example', () => {
    const key = Buffer.from('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b', 'hex')
    const message = Buffer.from('Cryptographic Forum Research Group')
    expect(tagOf(key, message)).toBe('a8061dc1305136c6c22b8baf0c0127a9')
  })

  test.each([
    ['#7, a sum that ends at the prime', '02', '', `ff${ff}`, `03${zeros}`],
    ['#8, a sum that is cut at 128 bits', '02', `ff${ff}`, `02${zeros}`, `03${zeros}`],
    ['#9, 5 over the prime', '01', '', `ff${ff}f0${ff}11${zeros}`, `05${zeros}`],
    ['#10, the prime itself', '01', '', `ff${ff}fb${'fe'.repeat(15)}${'01'.repeat(16)}`, `00${zeros}`],
    ['#11, just below the prime', '02', '', `fd${ff}`, `fa${ff}`],
  ])('A.3 %s', (_name, r, s, message, tag) => {
    const key = Buffer.alloc(32)
    key.write(r, 'hex')
    key.write(s, 16, 'hex')
    expect(tagOf(key, Buffer.from(message, 'hex'))).toBe(tag)
  })
})

/** OpenSSL has Poly1305 inside of ChaCha20-Poly1305 only: its key is the cipher's first block (RFC 8439, 2.6). */
function opensslTag(secret: Buffer, message: Buffer): { key: Buffer; authenticated: Buffer; tag: string } {
  const nonce = Buffer.alloc(12)
  const block = createCipheriv('chacha20', secret, Buffer.alloc(16)).update(Buffer.alloc(32))
  const cipher = createCipheriv('chacha20-poly1305', secret, nonce, { authTagLength: 16 })
  cipher.setAAD(message, { plaintextLength: 0 })
  cipher.final()
  const lengths = Buffer.alloc(16)
  lengths.writeBigUInt64LE(BigInt(message.length))
  const padding = Buffer.alloc((16 - (message.length % 16)) % 16)
  const authenticated = Buffer.concat([message, padding, lengths])
  return { key: block, authenticated, tag: cipher.getAuthTag().toString('hex') }
}

test.each([0, 1, 15, 16, 17, 1000, 32_751, 32_752, 32_768, 100_001])(
  'agrees with OpenSSL on %i bytes',
  (n) => {
    for (let round = 0; round < 20; round++) {
      const { key, authenticated, tag } = opensslTag(randomBytes(32), randomBytes(n))
      expect(tagOf(key, authenticated)).toBe(tag)
    }
  },
)

test('pieces of any length give the tag of the whole', () => {
  const key = randomBytes(32)
  const message = randomBytes(100_003)
  const whole = tagOf(key, message)
  for (const size of [1, 16, 4095, 32_768, 40_000]) {
    mac.begin(key)
    for (let at = 0; at < message.length; at += size) mac.update(message.subarray(at, at + size))
    expect(mac.tag().toString('hex')).toBe(whole)
  }
})
