// The encodings of restic's format below the level of files: sealing (AES-256-CTR with Poly1305-AES, crypt.ts,
// poly1305.ts, seal-batch.ts), key files (password-key.ts), content-defined chunking (chunker.ts, polynomial.ts) and
// zstd. Poly1305 and the chunker are WebAssembly; npm run build makes it from wasm/. restic/repository, write and
// restore use this folder. It works on buffers only: no driver, no repository, no volume.

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

/** The key that seals all content of a repository (restic's design document, "Keys, Encryption and MAC"). */
export interface RepositoryKey {
  /** AES-256, 32 bytes. */
  encrypt: Buffer
  /** AES-128 for the one-time part of the MAC's key, 16 bytes. */
  macK: Buffer
  /** Poly1305's r, 16 bytes. */
  macR: Buffer
}

/** Restores a key that another thread sent: a message turns buffers into plain arrays. */
export function receiveKey({ encrypt, macK, macR }: RepositoryKey): RepositoryKey {
  return { encrypt: Buffer.from(encrypt), macK: Buffer.from(macK), macR: Buffer.from(macR) }
}

/** The size of an AES block, and of the counter of CTR mode. */
export const BLOCK_BYTES = 16
const IV_LENGTH = BLOCK_BYTES
const MAC_LENGTH = 16
/** How many bytes sealing adds to a text. */
export const SEAL_OVERHEAD = IV_LENGTH + MAC_LENGTH

export function newKey(): RepositoryKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: maskedR(randomBytes(16)) }
}

/** Clears the bits that Poly1305 requires to be zero. */
function maskedR(r: Buffer): Buffer {
  const mask = Buffer.from('ffffff0ffcffff0ffcffff0ffcffff0f', 'hex')
  return Buffer.from(r.map((byte, at) => byte & (mask[at] ?? 0)))
}

const shared = new Poly1305()
/** A cipher returns new memory. As little as this is what the step before has freed; more would be fresh each time. */
const STEP_BYTES = 32 * 1024

/** `IV ‖ AES-256-CTR(plain) ‖ Poly1305-AES`, with a random IV. */
export function seal(key: RepositoryKey, plain: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(plain.length + SEAL_OVERHEAD)
  sealInto(key, plain, sealed)
  return sealed
}

/** Fills `sealed`, which has SEAL_OVERHEAD more bytes than `plain`, and must not overlap it. */
export function sealInto(key: RepositoryKey, plain: Buffer, sealed: Buffer): void {
  const iv = randomBytes(IV_LENGTH)
  const text = sealed.subarray(IV_LENGTH, -MAC_LENGTH)
  sealed.set(iv)
  encryptInto({ key, iv }, plain, text)
  shared
    .begin(oneTimeKey(key, iv))
    .update(text)
    .writeTag(sealed, sealed.length - MAC_LENGTH)
}

/** Encrypts with AES-256-CTR; `into` has the length of `plain`, and may be the same memory. */
export function encryptInto(
  { key, iv }: { key: RepositoryKey; iv: Buffer },
  plain: Buffer,
  into: Buffer,
): void {
  const cipher = createCipheriv('aes-256-ctr', prepareKey(key).content, iv)
  for (let at = 0; at < plain.length; at += STEP_BYTES) {
    const step = cipher.update(plain.subarray(at, at + STEP_BYTES))
    into.set(step, at)
    release(step)
  }
}

/** Returns the plain text; undefined if the MAC is wrong: another key sealed it, or it was changed. */
export function unseal(key: RepositoryKey, sealed: Buffer): Buffer | undefined {
  if (sealed.length < SEAL_OVERHEAD) return undefined
  const iv = sealed.subarray(0, IV_LENGTH)
  const encrypted = sealed.subarray(IV_LENGTH, -MAC_LENGTH)
  const tag = shared.begin(oneTimeKey(key, iv)).update(encrypted).tag()
  if (!timingSafeEqual(tag, sealed.subarray(-MAC_LENGTH))) return undefined
  return createDecipheriv('aes-256-ctr', prepareKey(key).content, iv).update(encrypted)
}

/** Seals a text in pieces: the results of `update`, in order, and then of `final` are the sealed text. */
export interface Sealer {
  update(plain: Buffer): Buffer
  final(): Buffer
}

export function createSealer(key: RepositoryKey): Sealer {
  const iv = randomBytes(IV_LENGTH)
  const cipher = createCipheriv('aes-256-ctr', prepareKey(key).content, iv)
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

/** For each of the concatenated nonces, the half of Poly1305's one-time key that is not r. */
export function deriveMacKeys(key: RepositoryKey, nonces: Buffer): Buffer {
  return prepareKey(key).mac.update(nonces)
}

/** Poly1305-AES (D. J. Bernstein, 2005): r, and the nonce encrypted with k as s. */
function oneTimeKey(key: RepositoryKey, nonce: Buffer): Buffer {
  return Buffer.concat([key.macR, deriveMacKeys(key, nonce)])
}

interface ReadyKey {
  content: KeyObject
  /** ECB has no state, so one cipher serves all nonces. */
  mac: Cipheriv
}

const readyKeys = new WeakMap<RepositoryKey, ReadyKey>()

/** Prepared once per key, because that takes longer than to seal a small file. */
export function prepareKey(key: RepositoryKey): ReadyKey {
  const known = readyKeys.get(key)
  if (known) return known
  const mac = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false)
  const ready = { content: createSecretKey(key.encrypt), mac }
  readyKeys.set(key, ready)
  return ready
}
