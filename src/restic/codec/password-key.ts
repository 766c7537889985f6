import { randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { type RepositoryKey, seal, unseal } from './crypt.ts'

/** A file of a repository's `keys/`: the repository's key, sealed with one that is derived from a password. */
export interface KeyFile {
  created: string
  username: string
  hostname: string
  kdf: 'scrypt'
  N: number
  r: number
  p: number
  /** 64 bytes, base64. */
  salt: string
  /** The sealed JSON of the key, base64. */
  data: string
}

/** Who made a key, and when. Only people read it. */
export type KeyMaker = Pick<KeyFile, 'created' | 'username' | 'hostname'>

/** Makes guesses of a password slow. */
const SLOW = { N: 32_768, r: 8, p: 1 }
/** A password of 32 random bytes cannot be guessed at any speed: docs/decisions/0027-fast-keys.md. */
const FAST = { N: 1024, r: 8, p: 1 }
/** As a store makes its own. */
const RANDOM_PASSWORD = /^[0-9a-f]{64}$/
/** A key file may ask scrypt for 128 · N · r bytes of memory, but not for more than this. */
const MAX_MEMORY_BYTES = 512 * 1024 * 1024
const SALT_LENGTH = 64
const DERIVED_LENGTH = 64

const positive = z.number().int().positive()
const keyFileSchema = z.object({
  created: z.string().default(''),
  username: z.string().default(''),
  hostname: z.string().default(''),
  kdf: z.literal('scrypt'),
  N: positive,
  r: positive,
  p: positive.max(64),
  salt: z.string(),
  data: z.string(),
})

const masterSchema = z.object({
  mac: z.object({ k: z.string(), r: z.string() }),
  encrypt: z.string(),
})

/** Parses and checks the fields of a key file. Throws if it is not one. */
export function parseKeyFile(json: Buffer): KeyFile {
  return keyFileSchema.parse(JSON.parse(json.toString()))
}

/** Makes a new key file for `key`, as JSON. */
export async function sealKey(key: RepositoryKey, password: Buffer, maker: KeyMaker): Promise<Buffer> {
  const salt = randomBytes(SALT_LENGTH)
  const cost = RANDOM_PASSWORD.test(password.toString('latin1')) ? FAST : SLOW
  const master = {
    mac: { k: key.macK.toString('base64'), r: key.macR.toString('base64') },
    encrypt: key.encrypt.toString('base64'),
  }
  const data = seal(await derive(password, salt, cost), Buffer.from(JSON.stringify(master)))
  const file: KeyFile = {
    ...maker,
    kdf: 'scrypt',
    ...cost,
    salt: salt.toString('base64'),
    data: data.toString('base64'),
  }
  return Buffer.from(JSON.stringify(file))
}

/** Returns the key in a key file; undefined if the password is wrong. */
export async function unsealKey(file: KeyFile, password: Buffer): Promise<RepositoryKey | undefined> {
  const derived = await derive(password, Buffer.from(file.salt, 'base64'), file)
  const plain = unseal(derived, Buffer.from(file.data, 'base64'))
  if (!plain) return undefined
  const { mac, encrypt } = masterSchema.parse(JSON.parse(plain.toString()))
  return {
    encrypt: Buffer.from(encrypt, 'base64'),
    macK: Buffer.from(mac.k, 'base64'),
    macR: Buffer.from(mac.r, 'base64'),
  }
}

type Cost = Pick<KeyFile, 'N' | 'r' | 'p'>

const scryptAsync = promisify<Buffer, Buffer, number, object, Buffer>(scrypt)

async function derive(password: Buffer, salt: Buffer, { N, r, p }: Cost): Promise<RepositoryKey> {
  const memory = 128 * N * r
  if (memory > MAX_MEMORY_BYTES)
    throw new RangeError(`the key asks for ${memory} bytes of memory, expected at most ${MAX_MEMORY_BYTES}`)
  const bytes = await scryptAsync(password, salt, DERIVED_LENGTH, { N, r, p, maxmem: 2 * MAX_MEMORY_BYTES })
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) }
}
