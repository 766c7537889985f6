import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSealer, newKey, SEAL_OVERHEAD, seal, unseal } from '../../../src/restic/codec/crypt.ts'

// D. J. Bernstein, "The Poly1305-AES message-authentication code", appendix B: m, r, k, n, result.
const VECTORS = [
  [
    'f3f6',
    '851fc40c3467ac0be05cc20404f3f700',
    'ec074c835580741701425b623235add6',
    'fb447350c4e868c52ac3275cf9d4327e',
    'f4c633c3044fc145f84f335cb81953de',
  ],
  [
    '',
    'a0f3080000f46400d0c7e9076c834403',
    '75deaa25c09f208e1dc4ce6b5cad3fbf',
    '61ee09218d29b0aaed7e154a2c5509cc',
    'dd3fab2251f11ac759f0887129cc2ee7',
  ],
  [
    '663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136',
    '48443d0bb0d21109c89a100b5ce2c208',
    '6acb5f61a7176dd320c5c1eb2edcdc74',
    'ae212a55399729595dea458bc621ff0e',
    '0ee1c16bb73f0f4fd19881753c01cdbe',
  ],
  [
    'ab0812724a7f1e342742cbed374d94d136c6b8795d45b3819830f2c04491faf0990c62e48b8018b2c3e4a0fa3134cb67fa83e158c994d961c4cb21095c1bf9',
    '12976a08c4426d0ce8a82407c4f48207',
    'e1a5668a4d5b66a5f68cc5424ed5982d',
    '9ae831e743978d3a23527c7128149e3a',
    '5154ad0d2cb26e01274fc51148491f1b',
  ],
] as const

describe.each(VECTORS)('the vector with message %.10s', (...hex) => {
  const [m, r, k, n, result] = hex.map((part) => Buffer.from(part, 'hex')) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ]
  const key = { encrypt: Buffer.alloc(32), macK: k, macR: r }

  test('is accepted as authentic', () => {
    expect(unseal(key, Buffer.concat([n, m, result]))).toHaveLength(m.length)
  })

  test('is refused with any bit of its MAC changed', () => {
    for (let bit = 0; bit < 128; bit++) {
      const wrong = Buffer.from(result)
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(unseal(key, Buffer.concat([n, m, wrong]))).toBeUndefined()
    }
  })
})

test.each([0, 1, 16, 33, 70_000, 1_000_000])('%i bytes are decrypted correctly', (length) => {
  const key = newKey()
  const plain = randomBytes(length)
  const sealed = seal(key, plain)
  expect(sealed).toHaveLength(length + SEAL_OVERHEAD)
  expect(unseal(key, sealed)?.equals(plain)).toBe(true)
})

test('the same text is encrypted differently each time', () => {
  const key = newKey()
  expect(seal(key, Buffer.from('text')).equals(seal(key, Buffer.from('text')))).toBe(false)
})

test('any changed byte, another key and a short text are refused', () => {
  const key = newKey()
  const sealed = seal(key, Buffer.from('thirty-three bytes of plain text.'))
  for (let at = 0; at < sealed.length; at++) {
    const wrong = Buffer.from(sealed)
    wrong[at] = (wrong[at] ?? 0) ^ 0x40
    expect(unseal(key, wrong)).toBeUndefined()
  }
  expect(unseal(newKey(), sealed)).toBeUndefined()
  expect(unseal(key, sealed.subarray(0, SEAL_OVERHEAD - 1))).toBeUndefined()
  expect(unseal(key, sealed.subarray(0, -1))).toBeUndefined()
})

test('a text encrypted in pieces is the same as a text encrypted at once', () => {
  const key = newKey()
  const plain = randomBytes(200_001)
  const one = createSealer(key)
  const other = createSealer(key)
  const pieces: Buffer[] = []
  for (let at = 0; at < plain.length; at += 7919) {
    pieces.push(one.update(plain.subarray(at, at + 7919)))
    other.update(plain.subarray(at, at + 7919))
  }
  pieces.push(one.final())
  expect(unseal(key, Buffer.concat(pieces))?.equals(plain)).toBe(true)
  expect(unseal(key, createSealer(key).final())).toHaveLength(0)
})
