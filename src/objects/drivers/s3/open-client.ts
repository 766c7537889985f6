import { readFile } from 'node:fs/promises'
import type { AgentOptions } from 'node:http'
import { isIP } from 'node:net'
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3'
import { loadHttp, loadHttps, loadTls } from '../../../lib/builtins.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { S3Settings } from '../../../wire/store-settings.ts'
import { readCredentialsFile } from './credentials-file.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** Without a byte in either direction. */
const SILENCE_TIMEOUT_MS = 60_000
const MAX_SOCKETS = 32

/** Loads the SDK only here, so that a daemon with another driver does not pay for it. */
export async function openClient(settings: S3Settings): Promise<S3> {
  const config = await makeConfig(settings)
  const { S3 } = await import('@aws-sdk/client-s3')
  return new S3(config)
}

async function makeConfig(settings: S3Settings): Promise<S3ClientConfig> {
  const { endpoint, region, credentialsFile } = settings
  const usual = endpoint === undefined ? undefined : 'us-east-1'
  const known = region ?? usual
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(known !== undefined && { region: known }),
    ...(credentialsFile !== undefined && { credentials: await readCredentialsFile(credentialsFile) }),
    forcePathStyle: settings.pathStyle || hasAddressAsHost(endpoint),
    // The wrapper of the driver tries again: nothing else does, so that the tries do not multiply.
    maxAttempts: 1,
    // Every upload carries its MD5 instead, which all stores check.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      httpAgent: new (loadHttp().Agent)(makeAgentOptions(settings)),
      httpsAgent: new (loadHttps().Agent)({
        ...makeAgentOptions(settings),
        ...(await readAuthorities(settings)),
      }),
    },
    logger: SILENT,
  }
}

/** The variables of a proxy in the environment do not count. */
function makeAgentOptions({ proxy }: S3Settings): AgentOptions {
  const proxyEnv = proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }
  return { keepAlive: true, maxSockets: MAX_SOCKETS, ...proxyEnv }
}

/** No name of a bucket can be put in front of an address. */
function hasAddressAsHost(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return false
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 || host === 'localhost'
}

async function readAuthorities({ caFile }: S3Settings): Promise<{ ca?: string[] }> {
  if (caFile === undefined) return {}
  const text = await readFile(caFile, 'utf8').catch((cause: unknown) => {
    throw unusableAuthorities(caFile, `Cannot read the file of --s3-ca-file: ${messageOf(cause)}`)
  })
  // Node ignores a file without any.
  if (text.includes('-----BEGIN CERTIFICATE-----')) return { ca: [...loadTls().rootCertificates, text] }
  const what = 'it has no certificate, expected a text with "-----BEGIN CERTIFICATE-----"'
  throw unusableAuthorities(caFile, `Cannot use ${caFile} of --s3-ca-file: ${what}`)
}

function unusableAuthorities(file: string, message: string): BackupdError {
  return new BackupdError('STORE_UNAVAILABLE', message, { facts: { file } })
}

/** Its warnings are of no use to an operator; errors are thrown. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
