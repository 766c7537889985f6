import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Secret scanners find tokens (`bkd`) and sessions (`bks`) by this. */
export type SecretPrefix = 'bkd' | 'bks'

const ID_BYTES = 8
const SECRET_BYTES = 32
const FORM = /^(bkd|bks)_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

/** A new token or session: `<prefix>_<id>_<secret>`, with a secret of 256 bits. Only the hash is kept. */
export function createTokenText(prefix: SecretPrefix = 'bkd'): { id: string; text: string; hash: string } {
  const id = randomBytes(ID_BYTES).toString('hex')
  const text = `${prefix}_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { id, text, hash: hashToken(text) }
}

/** The id in a token or session; undefined if the text is not one. The id is not a secret. */
export function readTokenId(text: string, prefix: SecretPrefix = 'bkd'): string | undefined {
  const [, found, id] = FORM.exec(text) ?? []
  return found === prefix ? id : undefined
}

/** A fast hash suffices, because nobody can guess 256 random bits. */
export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const NO_HASH = hashToken('')
const HASH = /^[0-9a-f]{64}$/

/** Compares in constant time, also if there is no hash to compare with. Nothing is the token of a hash that cannot be read. */
export function isToken(text: string, hash: string | undefined): boolean {
  const kept = hash !== undefined && HASH.test(hash) ? hash : undefined
  const isSame = timingSafeEqual(Buffer.from(hashToken(text), 'hex'), Buffer.from(kept ?? NO_HASH, 'hex'))
  return isSame && kept !== undefined
}
