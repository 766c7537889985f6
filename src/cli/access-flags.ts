import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { parseAddressRules } from '../controller/address-rules.ts'
import type { AccessOptions } from '../controller/callers.ts'
import type { TlsOptions } from '../controller/tls-listener.ts'
import { BackupdError } from '../lib/errors.ts'
import { parseAddress } from './address.ts'
import { collect } from './collect.ts'

export interface AccessFlags {
  anonymous?: AccessOptions['anonymous']
  anonymousFrom: string[]
  trustedProxy: string[]
  insecureHttp: boolean
  tlsAddr?: string
  tlsCert?: string
  tlsKey?: string
}

const ANONYMOUS = new Option(
  '--anonymous <role>',
  'what callers without a token may do (default: none, or admin if the data is from before tokens)',
).choices(['none', 'viewer', 'admin'])

const ANONYMOUS_FROM = new Option(
  '--anonymous-from <cidr=role[:app,…]>',
  'what callers from these addresses may do without a token, for everything or some apps (repeatable)',
)
  .argParser(collect)
  .default([])

const TRUSTED_PROXY = new Option(
  '--trusted-proxy <cidr>',
  'a proxy whose X-Forwarded-For and X-Forwarded-Proto count (repeatable)',
)
  .argParser(collect)
  .default([])

const INSECURE_HTTP = new Option(
  '--insecure-http',
  'accept tokens over plain HTTP from other machines, where others may read them',
).default(false)

export function addAccessFlags(command: Command): Command {
  return command
    .addOption(ANONYMOUS)
    .addOption(ANONYMOUS_FROM)
    .addOption(TRUSTED_PROXY)
    .addOption(INSECURE_HTTP)
    .option('--tls-addr <host:port>', 'where users reach the controller over TLS, besides --addr')
    .option(
      '--tls-cert <file>',
      'its certificate, and those that lead to an authority, as PEM; read again when it changes',
    )
    .option('--tls-key <file>', 'the key of the certificate, as PEM')
}

/** Throws BAD_INPUT for a range that is not valid, or that gives a proxy a role. */
export function readAccessOptions(flags: AccessFlags): AccessOptions {
  const { anonymous, insecureHttp } = flags
  return { anonymous, insecureHttp, ...parseAddressRules(flags) }
}

/** Throws BAD_INPUT if only some of the three flags are given. */
export function readTlsOptions({ tlsAddr, tlsCert, tlsKey }: AccessFlags): TlsOptions | undefined {
  const given = [tlsAddr, tlsCert, tlsKey].filter((flag) => flag !== undefined)
  if (given.length === 0) return undefined
  if (tlsAddr !== undefined && tlsCert !== undefined && tlsKey !== undefined)
    return { ...parseAddress('--tls-addr', tlsAddr), certFile: resolve(tlsCert), keyFile: resolve(tlsKey) }
  throw new BackupdError('BAD_INPUT', '--tls-addr, --tls-cert and --tls-key belong together: give all three')
}
