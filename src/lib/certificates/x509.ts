import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'

/** Keys and certificates are ECDSA on this curve. */
export const CURVE = 'prime256v1'
export const SIGNATURE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** PEM. */
export interface CertifiedPair {
  key: string
  certificate: string
}

/** What a program shows to the other side, and whose certificates it accepts. */
export interface Credentials extends CertifiedPair {
  /** PEM, the oldest first. One of them signed the certificate. */
  authorities: readonly string[]
}

/** Loads the package that makes certificates: 0.1 s, so only where one is made. */
export async function loadX509() {
  // The package needs it, and does not load it.
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

/** A new private key, as PEM. */
export function createKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVE })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The key in the form that the package takes. */
export async function importKeyPair(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const secret = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  const open = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  const { subtle } = webcrypto
  return {
    privateKey: await subtle.importKey('pkcs8', secret, SIGNATURE, true, ['sign']),
    publicKey: await subtle.importKey('spki', open, SIGNATURE, true, ['verify']),
  }
}
