import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { release } from '../../lib/release.ts'
import { Poly1305 } from './poly1305.ts'

/** What all content of a repository is sealed with (restic's design document, "Keys, Encryption and MAC"). */
export interface RepositoryKey {
  /** AES-256, 32 bytes. */
  encrypt: Buffer
  /** AES-128 for the one-time part of the MAC's key, 16 bytes. */
  macK: Buffer
  /** Poly1305's r, 16 bytes. */
  macR: Buffer
}

/** A key that another thread sent: what were buffers there are bare arrays here. */
export function sentKey({ encrypt, macK, macR }: RepositoryKey): RepositoryKey {
  return { encrypt: Buffer.from(encrypt), macK: Buffer.from(macK), macR: Buffer.from(macR) }
}

/** Of AES, and of its counters. */
export const BLOCK = 16
const IV_LENGTH = BLOCK
const MAC_LENGTH = 16
/** Bytes that a sealed text is longer than the plain one. */
export const SEAL_OVERHEAD = IV_LENGTH + MAC_LENGTH

export function newKey(): RepositoryKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: maskedR(randomBytes(16)) }
}

/** The bits that Poly1305 wants to be zero. */
function maskedR(r: Buffer): Buffer {
  const mask = Buffer.from('ffffff0ffcffff0ffcffff0ffcffff0f', 'hex')
  return Buffer.from(r.map((byte, at) => byte & (mask[at] ?? 0)))
}

const shared = new Poly1305()

/** `IV ‖ AES-256-CTR(plain) ‖ Poly1305-AES`, with a random IV. */
export function seal(key: RepositoryKey, plain: Buffer): Buffer {
  const iv = randomBytes(IV_LENGTH)
  const encrypted = createCipheriv('aes-256-ctr', readyFor(key).content, iv).update(plain)
  const sealed = Buffer.concat([iv, encrypted, shared.begin(oneTimeKey(key, iv)).update(encrypted).tag()])
  release(encrypted)
  return sealed
}

/** The plain text; undefined where the MAC is wrong: not sealed with this key, or not what was sealed. */
export function unseal(key: RepositoryKey, sealed: Buffer): Buffer | undefined {
  if (sealed.length < SEAL_OVERHEAD) return undefined
  const iv = sealed.subarray(0, IV_LENGTH)
  const encrypted = sealed.subarray(IV_LENGTH, -MAC_LENGTH)
  const tag = shared.begin(oneTimeKey(key, iv)).update(encrypted).tag()
  if (!timingSafeEqual(tag, sealed.subarray(-MAC_LENGTH))) return undefined
  return createDecipheriv('aes-256-ctr', readyFor(key).content, iv).update(encrypted)
}

/** Seals what does not fit into memory: first what `update` gives for each piece, then `final`. */
export interface Sealer {
  update(plain: Buffer): Buffer
  final(): Buffer
}

export function sealer(key: RepositoryKey): Sealer {
  const iv = randomBytes(IV_LENGTH)
  const cipher = createCipheriv('aes-256-ctr', readyFor(key).content, iv)
  const mac = new Poly1305().begin(oneTimeKey(key, iv))
  let head = iv
  const withHead = (bytes: Buffer) => {
    const all = head.length === 0 ? bytes : Buffer.concat([head, bytes])
    head = Buffer.alloc(0)
    return all
  }
  return {
    update(plain) {
      const encrypted = cipher.update(plain)
      mac.update(encrypted)
      return withHead(encrypted)
    },
    final: () => withHead(mac.tag()),
  }
}

/** For each nonce the half of Poly1305's one-time key that is not r. */
export function macKeysFor(key: RepositoryKey, nonces: Buffer): Buffer {
  return readyFor(key).mac.update(nonces)
}

/** Poly1305-AES (D. J. Bernstein, 2005): r, and the nonce encrypted with k as s. */
function oneTimeKey(key: RepositoryKey, nonce: Buffer): Buffer {
  return Buffer.concat([key.macR, macKeysFor(key, nonce)])
}

interface ReadyKey {
  content: KeyObject
  /** ECB has no state: one serves for all nonces. */
  mac: Cipheriv
}

const readyKeys = new WeakMap<RepositoryKey, ReadyKey>()

/** To make a key ready takes longer than to seal a small file with it. */
export function readyFor(key: RepositoryKey): ReadyKey {
  const known = readyKeys.get(key)
  if (known) return known
  const mac = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false)
  const ready = { content: createSecretKey(key.encrypt), mac }
  readyKeys.set(key, ready)
  return ready
}
