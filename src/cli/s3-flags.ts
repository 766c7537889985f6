import { resolve } from 'node:path'
import { Option } from 'commander'
import { parseByteCount } from '../lib/byte-counts.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { redactUrl } from '../lib/redact-url.ts'
import type { S3Settings } from '../wire/store-settings.ts'

export interface S3Flags {
  s3Bucket?: string
  s3Prefix: string
  s3Endpoint?: string
  s3Region?: string
  s3PathStyle: boolean
  s3CredentialsFile?: string
  s3CaFile?: string
  s3Proxy?: string
  s3Encryption?: string
  s3KmsKeyId?: string
  s3StorageClass?: string
  s3ObjectLockDays?: string
  storeQuota?: string
}

export const S3_OPTIONS: readonly Option[] = [
  new Option('--s3-bucket <name>', 'the bucket of the s3 driver; it must exist'),
  new Option('--s3-prefix <prefix>', 'the start of the names of all objects in the bucket').default(''),
  new Option('--s3-endpoint <url>', 'the URL of the S3 server; without it, AWS'),
  new Option('--s3-region <name>', 'the region of the bucket'),
  new Option('--s3-path-style', 'name the bucket in the path of each request, not in its host name').default(
    false,
  ),
  new Option(
    '--s3-credentials-file <file>',
    'the access key, as in ~/.aws/credentials; without it, the environment and the usual places of AWS',
  ),
  new Option('--s3-ca-file <file>', 'certificates to trust at the endpoint besides the usual ones, as PEM'),
  new Option('--s3-proxy <url>', 'an HTTP proxy on the way to the endpoint'),
  new Option(
    '--s3-encryption <mode>',
    'how the server encrypts: AES256 or aws:kms; without it, as the bucket says',
  ),
  new Option(
    '--s3-kms-key-id <id>',
    'the key of --s3-encryption aws:kms; without it, the usual one of the account',
  ),
  new Option('--s3-storage-class <name>', 'of archives and packs; without it, the usual one of the bucket'),
  new Option(
    '--s3-object-lock-days <days>',
    'how long nobody can delete archives, packs and snapshots, in a bucket with object lock',
  ),
  new Option(
    '--store-quota <size>',
    'how much this server may use of an s3 store, such as 500GiB, to tell when it will be full',
  ),
]

/** The longest that AWS accepts is a hundred years. */
const MAX_LOCK_DAYS = 36_500
const ARCHIVE_CLASSES = ['GLACIER', 'DEEP_ARCHIVE']

/** Throws BAD_INPUT, naming the flag. */
export function parseS3Flags(flags: S3Flags): S3Settings {
  const { s3Region, s3CredentialsFile, s3CaFile } = flags
  const endpoint = parseUrl('--s3-endpoint', flags.s3Endpoint, 'https://s3.example.com')
  const proxy = parseUrl('--s3-proxy', flags.s3Proxy, 'http://proxy.example.com:3128')
  return {
    driver: 's3',
    bucket: parseBucket(flags.s3Bucket),
    prefix: parsePrefix(flags.s3Prefix),
    pathStyle: flags.s3PathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(s3Region !== undefined && { region: s3Region }),
    ...(s3CredentialsFile !== undefined && { credentialsFile: resolve(s3CredentialsFile) }),
    ...(s3CaFile !== undefined && { caFile: resolve(s3CaFile) }),
    ...(proxy !== undefined && { proxy }),
    ...parseEncryption(flags),
    ...parseStorageClass(flags.s3StorageClass),
    ...parseLockDays(flags.s3ObjectLockDays),
    ...parseQuotaFlag(flags.storeQuota),
  }
}

function parseBucket(bucket: string | undefined): string {
  if (!bucket) throw wrongFlag('--backup-driver s3 needs --s3-bucket NAME: the bucket to keep backups in')
  if (/^[\w.-]{3,255}$/.test(bucket)) return bucket
  throw wrongFlag(`--s3-bucket is "${bucket}": write the name of a bucket, such as my-backups`)
}

function parsePrefix(text: string): string {
  const prefix = text.replace(/^\/+|\/+$/g, '')
  const isPlain = prefix.split('/').every((part) => !['.', '..', ''].includes(part) && !part.includes('\0'))
  if (prefix === '' || isPlain) return prefix
  throw wrongFlag(`--s3-prefix is "${text}": write plain names with "/" between them, such as backups/berlin`)
}

function parseUrl(flag: string, text: string | undefined, example: string): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash
  if (isPlain && ['http:', 'https:'].includes(url.protocol)) return text
  throw wrongFlag(`${flag} is "${redactUrl(text)}": write a URL without a user, such as ${example}`)
}

function parseEncryption({ s3Encryption, s3KmsKeyId }: S3Flags): Pick<S3Settings, 'encryption' | 'kmsKeyId'> {
  const isKms = s3Encryption === 'aws:kms'
  if (s3KmsKeyId !== undefined && !isKms)
    throw wrongFlag('--s3-kms-key-id needs --s3-encryption aws:kms: no other encryption uses a key of KMS')
  if (s3KmsKeyId !== undefined && !/^[\w:/-]{1,2048}$/.test(s3KmsKeyId))
    throw wrongFlag(`--s3-kms-key-id is "${s3KmsKeyId}": write the id or the ARN of a key`)
  if (s3Encryption === undefined) return {}
  if (isKms) return { encryption: s3Encryption, ...(s3KmsKeyId !== undefined && { kmsKeyId: s3KmsKeyId }) }
  if (s3Encryption === 'AES256') return { encryption: s3Encryption }
  throw wrongFlag(`--s3-encryption is "${s3Encryption}": write AES256 or aws:kms`)
}

function parseLockDays(text: string | undefined): Pick<S3Settings, 'objectLockDays'> {
  if (text === undefined) return {}
  const days = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
  if (days <= MAX_LOCK_DAYS) return { objectLockDays: days }
  throw wrongFlag(`--s3-object-lock-days is "${text}": write a number of days from 1 to ${MAX_LOCK_DAYS}`)
}

function parseQuotaFlag(text: string | undefined): Pick<S3Settings, 'quotaBytes'> {
  if (text === undefined) return {}
  try {
    return { quotaBytes: parseByteCount(text) }
  } catch (error) {
    throw wrongFlag(`--store-quota: ${messageOf(error)}`)
  }
}

/** Ceph and MinIO have names of their own. */
function parseStorageClass(name: string | undefined): Pick<S3Settings, 'storageClass'> {
  if (name === undefined) return {}
  if (ARCHIVE_CLASSES.includes(name))
    throw wrongFlag(
      `--s3-storage-class is ${name}, whose objects cannot be read at once: write one such as STANDARD_IA`,
    )
  if (/^[A-Z0-9_-]{1,64}$/.test(name)) return { storageClass: name }
  throw wrongFlag(`--s3-storage-class is "${name}": write the name of a class, such as STANDARD_IA`)
}

function wrongFlag(message: string): BackupdError {
  return new BackupdError('BAD_INPUT', message)
}
