import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'

/** Of the controller's listener for daemons. The first needs no certificate, the second one that may have expired. */
export const ENROL_PATH = '/api/v1/enrol'
export const RENEW_PATH = '/api/v1/renew'
export const NEWS_PATH = '/api/v2/system/notify'

/** Who a certificate is for. A daemon never counts as a controller. */
export const CONTROLLER_URI = 'urn:backupd:controller'
const SERVER_URI = 'urn:backupd:server:'

export function makeServerUri(ip: string): string {
  return `${SERVER_URI}${ip}`
}

/** The server that a certificate is for; undefined if it is for a controller. */
export function parseServerUri(uri: string): string | undefined {
  const ip = uri.startsWith(SERVER_URI) ? uri.slice(SERVER_URI.length) : ''
  return isIPv4(ip) ? ip : undefined
}

/** An expired certificate may renew itself for this long. */
export const LATE_RENEWAL_MS = 365 * 86_400_000

/** What a new daemon is given by hand: where to enrol, as whom, and how to recognize the controller. */
export interface JoinToken {
  id: string
  /** Only its hash is kept by the controller. */
  secret: string
  ip: string
  /** The controller's listener for daemons: `https://10.0.0.9:9004` */
  url: string
  /** SHA-256 of the certificate of the controller's authority, hex. */
  authority: string
}

const PREFIX = 'bkj_'
const tokenSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  secret: z.string().regex(/^[\w-]{43}$/),
  ip: z.ipv4(),
  url: z.string().regex(/^https:\/\/[^/\s]{1,300}$/),
  authority: z.string().regex(/^[0-9a-f]{64}$/),
})

export function printJoinToken(token: JoinToken): string {
  return `${PREFIX}${Buffer.from(JSON.stringify(token)).toString('base64url')}`
}

/** Throws BAD_INPUT. */
export function parseJoinToken(text: string): JoinToken {
  const word = text.trim()
  try {
    if (!word.startsWith(PREFIX) || word.length > 2000) throw new Error('unknown form')
    const json = Buffer.from(word.slice(PREFIX.length), 'base64url').toString()
    return tokenSchema.parse(JSON.parse(json))
  } catch (cause) {
    if (word === '')
      throw new BackupdError(
        'BAD_INPUT',
        'The join token is empty: the file of --join-file is missing or empty',
      )
    const message =
      'The join token is not valid, expected what "backupd server invite" printed: one line that begins with bkj_'
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

/** PEM; the largest request for a certificate that is read. */
const MAX_PEM = 8192

/** The daemon keeps all authorities of an answer; one that leaves it out keeps the first alone, and goes on with that. */
const knowsSeveral = z.boolean().optional()
/** In one answer: two during a rotation. */
export const MAX_AUTHORITIES = 8

export const enrolRequestSchema = z.object({
  id: z.string().max(100),
  secret: z.string().max(100),
  ip: z.ipv4(),
  request: z.string().max(MAX_PEM),
  severalAuthorities: knowsSeveral,
})
export type EnrolRequest = z.infer<typeof enrolRequestSchema>

export const renewRequestSchema = z.object({
  request: z.string().max(MAX_PEM),
  severalAuthorities: knowsSeveral,
})
export type RenewRequest = z.infer<typeof renewRequestSchema>

export const issuedCertificateSchema = z.object({
  certificate: z.string().max(MAX_PEM),
  /** The only one that daemons of earlier versions trust. */
  authority: z.string().max(MAX_PEM),
  /** All whose controllers count, the oldest first; left out by controllers of earlier versions. */
  authorities: z.array(z.string().max(MAX_PEM)).min(1).max(MAX_AUTHORITIES).optional(),
})
export type IssuedCertificate = z.infer<typeof issuedCertificateSchema>
