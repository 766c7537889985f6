import { describe, expect, test } from 'vitest'
import { newKey } from '../../../src/restic/codec/crypt.ts'
import { parseKeyFile, sealKey, unsealKey } from '../../../src/restic/codec/password-key.ts'

const maker = { created: '2026-01-02T03:04:05.6Z', username: 'root', hostname: 'db1' }
const password = Buffer.from('correct horse')

describe('a key file', () => {
  test('opens with its password only', async () => {
    const key = newKey()
    const file = parseKeyFile(await sealKey(key, password, maker))
    expect(file).toMatchObject({ ...maker, kdf: 'scrypt' })
    expect(await unsealKey(file, password)).toEqual(key)
    expect(await unsealKey(file, Buffer.from('correct horsf'))).toBeUndefined()
  })

  test.each([
    ['correct horse', 32_768],
    ['0123456789abcdef'.repeat(4), 1024],
    ['0123456789ABCDEF'.repeat(4), 32_768],
    ['0123456789abcdef'.repeat(4).slice(1), 32_768],
  ])('of the password %j is slow to derive, unless that is 32 bytes in hex: N = %d', async (text, N) => {
    const [key, own] = [newKey(), Buffer.from(text)]
    const file = parseKeyFile(await sealKey(key, own, maker))
    expect(file).toMatchObject({ N, r: 8, p: 1 })
    expect(await unsealKey(file, own)).toEqual(key)
  })

  test('does not contain the key in plain text', async () => {
    const key = newKey()
    const json = (await sealKey(key, password, maker)).toString()
    for (const part of [key.encrypt, key.macK, key.macR]) expect(json).not.toContain(part.toString('base64'))
  })

  test('that requires too much memory is refused', async () => {
    const file = parseKeyFile(await sealKey(newKey(), password, maker))
    await expect(unsealKey({ ...file, N: 2 ** 24 }, password)).rejects.toThrow('bytes of memory')
  })

  test.each(['', 'null', '{}', '{"kdf":"argon","N":1,"r":1,"p":1,"salt":"","data":""}'])(
    'is not %j',
    (json) => {
      expect(() => parseKeyFile(Buffer.from(json))).toThrow()
    },
  )
})
