import type { ErrorCode } from '../../../lib/error-codes.ts'
import { BackupdError, errnoOf, messageOf } from '../../../lib/errors.ts'

/** What is asked of the store, for texts. */
export interface S3Question {
  doing: keyof typeof RIGHTS
  /** The object; '' for the store as a whole. */
  name: string
  /** Whether the store has answered this process before. */
  hasAnswered?: boolean
}

interface Fault {
  code: ErrorCode
  reason: string
  /** Whether the same request may succeed a moment later. */
  transient?: true
}

/** The right that a question needs. */
const RIGHTS = {
  use: 's3:ListBucket',
  list: 's3:ListBucket',
  inspect: 's3:GetObject',
  read: 's3:GetObject',
  create: 's3:PutObject',
  remove: 's3:DeleteObject',
  'read the object lock of': 's3:GetBucketObjectLockConfiguration',
  'read the versioning of': 's3:GetBucketVersioning',
} as const

const unavailable = (reason: string): Fault => ({ code: 'STORE_UNAVAILABLE', reason })
const transient = (reason: string): Fault => ({ code: 'STORE_UNAVAILABLE', reason, transient: true })

const FULL: Fault = {
  code: 'STORE_FULL',
  reason: 'the store is full, or a quota is used up. Free room in it or shorten a retention time',
}
const MISSING: Fault = { code: 'NOT_FOUND', reason: 'it does not exist' }
const CHANGED: Fault = { code: 'CONFLICT', reason: 'somebody else created or replaced it meanwhile' }
const SHORT: Fault = { code: 'CONFLICT', reason: 'it is shorter than expected' }
const BUSY = transient('the store is busy')
const FAILED = transient('the store answered with an internal error')
const DENIED = unavailable('access denied')
const REGION = unavailable('the bucket is in another region. Name that with --s3-region')
const WRONG_KEY = unavailable('the store does not know the access key. Check the credentials')
const EXPIRED = unavailable('the session token is not valid, or has expired. Renew the credentials')
const LACKING = unavailable(
  'the store does not have an ability that was asked of it. Check --s3-encryption and --s3-storage-class',
)
const KMS = unavailable('the key of KMS cannot be used. Check --s3-kms-key-id, and the rights on that key')
const NO_BUCKET = unavailable('the bucket does not exist. Create it, or correct --s3-bucket')
const DAMAGED = transient('the content changed on its way to the store')

/** By the code that the store gives in its answer. */
const BY_NAME: Readonly<Record<string, Fault>> = {
  NoSuchKey: MISSING,
  NotFound: MISSING,
  NoSuchBucket: NO_BUCKET,
  InvalidBucketName: unavailable('no bucket can have that name. Correct --s3-bucket'),
  PreconditionFailed: CHANGED,
  InvalidRange: SHORT,
  ConditionalRequestConflict: transient('somebody else changes the object at the same time'),
  OperationAborted: transient('somebody else changes the object at the same time'),
  NoSuchUpload: unavailable('its upload was removed by somebody else'),
  AccessDenied: DENIED,
  Forbidden: DENIED,
  AllAccessDisabled: DENIED,
  InvalidAccessKeyId: WRONG_KEY,
  SignatureDoesNotMatch: unavailable('the secret key is wrong. Check the credentials'),
  ExpiredToken: EXPIRED,
  InvalidToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  CredentialsProviderError: unavailable(
    'no credentials were found. Name a file with --s3-credentials-file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ),
  RequestTimeTooSkewed: unavailable(
    'the clocks of this machine and of the store differ by more than 15 minutes. Set the clock of this machine',
  ),
  PermanentRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  IllegalLocationConstraintException: REGION,
  QuotaExceeded: FULL,
  InsufficientStorage: FULL,
  XMinioStorageFull: FULL,
  EntityTooLarge: FULL,
  InvalidStorageClass: unavailable('the store does not have this storage class. Correct --s3-storage-class'),
  NotImplemented: LACKING,
  'KMS.NotFoundException': KMS,
  'KMS.DisabledException': KMS,
  'KMS.KMSInvalidStateException': KMS,
  InvalidObjectState: unavailable('it was moved to an archive class. Restore it there first'),
  BadDigest: DAMAGED,
  InvalidDigest: DAMAGED,
  SlowDown: BUSY,
  Throttling: BUSY,
  ThrottlingException: BUSY,
  TooManyRequests: BUSY,
  ServiceUnavailable: BUSY,
  InternalError: FAILED,
  RequestTimeout: transient('the store waited too long for the request'),
  TimeoutError: transient('the store does not answer in time'),
}

/** By the status of the answer, if it has no code that is known. */
const BY_STATUS: Readonly<Record<number, Fault>> = {
  301: REGION,
  307: REGION,
  401: DENIED,
  403: DENIED,
  404: MISSING,
  409: transient('somebody else changes the object at the same time'),
  412: CHANGED,
  413: FULL,
  416: SHORT,
  429: BUSY,
  500: FAILED,
  501: LACKING,
  502: FAILED,
  503: BUSY,
  504: FAILED,
  507: FULL,
}

const TLS_PROBLEMS = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const CHECK_ENDPOINT =
  'Check that its server runs, that this machine reaches it, --s3-endpoint, and --s3-proxy if it is set'
const NETWORK_PROBLEMS = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** How long a store that starts may not know its buckets yet: Swift says "no such bucket" then. */
const START_MS = 30_000

/** What the SDK adds to its errors. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number }
  Code?: string
}

/** Converts the error of a request to one of the driver contract. */
export function s3Error(place: string, question: S3Question, cause: unknown): BackupdError {
  if (cause instanceof BackupdError) return cause
  const { doing, name, hasAnswered = false } = question
  const fault = findFault(cause)
  const isStarting = fault === NO_BUCKET && hasAnswered
  const { code, transient: again = isStarting } = fault
  const reason = fault === DENIED ? describeDenial(doing) : fault.reason
  const object = name === '' ? '' : `"${name}" in `
  const facts = {
    object: name,
    s3: readS3Code(cause) ?? null,
    ...(again && { transient: true }),
    ...(fault === BUSY && { isBusy: true }),
    ...(isStarting && { retryMs: START_MS }),
  }
  return new BackupdError(code, `Cannot ${doing} ${object}the store ${place}: ${reason}`, { cause, facts })
}

function describeDenial(doing: S3Question['doing']): string {
  return `access denied. Give its key the right ${RIGHTS[doing]}; docs/store.md lists all that it needs`
}

/** The code that the store, the SDK or the system gave the error. */
function readS3Code(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { Code } = error as SdkError
  return Code ?? errnoOf(error) ?? error.name
}

/** Of an answer of the store; undefined if there was none. */
export function readS3Status(error: unknown): number | undefined {
  return error instanceof Error ? (error as SdkError).$metadata?.httpStatusCode : undefined
}

/** Whether the object, or the upload, does not exist, in a bucket that does. */
export function isMissing(error: unknown): boolean {
  return readS3Status(error) === 404 && (error as Error).name !== 'NoSuchBucket'
}

/** Whether an object ends before the bytes that were asked for. */
export function isBeyondEnd(error: unknown): boolean {
  return error instanceof BackupdError && readS3Status(error.cause) === 416
}

/** For requests whose aim is that it does not exist. Throws any other error again. */
export function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}

function findFault(cause: unknown): Fault {
  return findNetworkFault(cause) ?? findAnsweredFault(cause) ?? describeUnknown(cause)
}

function findNetworkFault(cause: unknown): Fault | undefined {
  const errno = errnoOf(cause)
  if (errno === undefined) return undefined
  if (errno === 'ERR_PROXY_TUNNEL') return describeTunnel(cause)
  if (TLS_PROBLEMS.has(errno)) {
    const then = 'Name the certificate of its authority with --s3-ca-file'
    return unavailable(`the certificate of the endpoint is not trusted (${errno}). ${then}`)
  }
  return NETWORK_PROBLEMS.has(errno)
    ? transient(`the endpoint cannot be reached (${errno}). ${CHECK_ENDPOINT}`)
    : undefined
}

/** A proxy that refuses does so again; one that reports 502 or nothing may only lack the endpoint for now. */
function describeTunnel(cause: unknown): Fault {
  const { statusCode = 504 } = cause as { statusCode?: number }
  const reason = `the proxy does not connect to the endpoint (${messageOf(cause)}). Check --s3-proxy and --s3-endpoint`
  return statusCode >= 500 ? transient(reason) : unavailable(reason)
}

function findAnsweredFault(cause: unknown): Fault | undefined {
  const byName = BY_NAME[readS3Code(cause) ?? '']
  if (byName) return byName
  const status = readS3Status(cause)
  return status === undefined ? undefined : BY_STATUS[status]
}

function describeUnknown(cause: unknown): Fault {
  const [line = ''] = messageOf(cause).split('\n')
  if (/^Region is missing/.test(line))
    return unavailable('no region is known. Name it with --s3-region, or name the server with --s3-endpoint')
  const status = readS3Status(cause)
  const answer = status === undefined ? '' : `the answer has status ${status}: `
  return unavailable(`${answer}${line.slice(0, 200)}. Check that --s3-endpoint is the URL of an S3 server`)
}
