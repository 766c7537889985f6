import { resolve } from 'node:path'
import { Option } from 'commander'
import { BackupdError } from '../lib/errors.ts'
import type { S3Settings } from '../wire/store-settings.ts'

export interface S3Flags {
  s3Bucket?: string
  s3Prefix: string
  s3Endpoint?: string
  s3Region?: string
  s3PathStyle: boolean
  s3CredentialsFile?: string
  s3CaFile?: string
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
]

/** Throws BAD_INPUT, naming the flag. */
export function parseS3Flags(flags: S3Flags): S3Settings {
  const { s3Region, s3CredentialsFile, s3CaFile } = flags
  const endpoint = parseEndpoint(flags.s3Endpoint)
  return {
    driver: 's3',
    bucket: parseBucket(flags.s3Bucket),
    prefix: parsePrefix(flags.s3Prefix),
    pathStyle: flags.s3PathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(s3Region !== undefined && { region: s3Region }),
    ...(s3CredentialsFile !== undefined && { credentialsFile: resolve(s3CredentialsFile) }),
    ...(s3CaFile !== undefined && { caFile: resolve(s3CaFile) }),
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

function parseEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash
  if (isPlain && ['http:', 'https:'].includes(url.protocol)) return text
  throw wrongFlag(`--s3-endpoint is "${text}": write a URL without a user, such as https://s3.example.com`)
}

function wrongFlag(message: string): BackupdError {
  return new BackupdError('BAD_INPUT', message)
}
