import { type Grant, ROLES, type Role } from '../domain/access/roles.ts'
import { isAppPattern } from '../domain/access/scope.ts'
import { type Cidr, overlaps, parseCidr, printCidr } from '../lib/cidr.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { AnonymousRange } from './anonymous-roles.ts'

export interface AddressRules {
  anonymousFrom: readonly AnonymousRange[]
  trustedProxies: readonly Cidr[]
}

/** The flags as they are written, each repeatable. */
export interface AddressFlags {
  /** `CIDR=role` or `CIDR=role:app,app` */
  anonymousFrom: readonly string[]
  /** CIDR */
  trustedProxy: readonly string[]
}

/** Of each flag: all pairs are compared. */
const MAX_RULES = 100

/** Parses what addresses mean. Throws BAD_INPUT and names the flag. */
export function parseAddressRules({ anonymousFrom, trustedProxy }: AddressFlags): AddressRules {
  if (Math.max(anonymousFrom.length, trustedProxy.length) > MAX_RULES)
    throw new BackupdError(
      'BAD_INPUT',
      `More than ${MAX_RULES} ranges of addresses are given: use larger ones`,
    )
  const rules = {
    anonymousFrom: anonymousFrom.map(parseAnonymousRange),
    trustedProxies: trustedProxy.map(parseTrustedProxy),
  }
  refuseTrustedCallers(rules)
  return rules
}

function parseAnonymousRange(text: string): AnonymousRange {
  const [written = '', given, ...more] = text.split('=')
  const range = parseCidr(written)
  const grant = more.length === 0 && given !== undefined ? parseGrant(given) : undefined
  if (range && grant) return { range, grant }
  const examples = '10.0.0.0/8=viewer or 10.0.0.20=operator:shop,team-*'
  throw new BackupdError(
    'BAD_INPUT',
    `--anonymous-from is ${JSON.stringify(text)}, expected CIDR=ROLE or CIDR=ROLE:APP,APP, such as ${examples}; roles are ${ROLES.join(', ')}`,
  )
}

function parseGrant(text: string): Grant | undefined {
  const colon = text.indexOf(':')
  const role = colon < 0 ? text : text.slice(0, colon)
  const apps = colon < 0 ? null : [...new Set(text.slice(colon + 1).split(','))]
  if (!isRole(role) || apps?.some((app) => !isAppPattern(app))) return undefined
  return { role, apps: apps?.includes('*') ? null : apps }
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}

function parseTrustedProxy(text: string): Cidr {
  const range = parseCidr(text)
  if (range && range.prefix > 0) return range
  const what = range ? 'which is every caller' : 'which is not a range of addresses'
  throw new BackupdError(
    'BAD_INPUT',
    `--trusted-proxy is ${JSON.stringify(text)}, ${what}, expected the address of a proxy, or CIDR such as 10.0.0.0/30`,
  )
}

/** A proxy that leaves its headers out once would give its own role to all callers. */
function refuseTrustedCallers({ anonymousFrom, trustedProxies }: AddressRules): void {
  for (const { range } of anonymousFrom) {
    const proxy = trustedProxies.find((each) => overlaps(each, range))
    if (!proxy) continue
    throw new BackupdError(
      'BAD_INPUT',
      `--anonymous-from ${printCidr(range)} and --trusted-proxy ${printCidr(proxy)} have addresses in common, so whoever the proxy asks for could get its role. Name ranges without the proxy`,
    )
  }
}

const MAX_LISTED = 20

/** Logs a warning that says what callers may do without a token, if some may. */
export function warnOfAnonymousRanges(ranges: readonly AnonymousRange[], log: Log): void {
  if (ranges.length === 0) return
  const listed = ranges.slice(0, MAX_LISTED).map(describeAnonymousRange)
  const more = ranges.length > MAX_LISTED ? ` and ${ranges.length - MAX_LISTED} more` : ''
  log.warn({}, `Some callers have a role without a token: ${listed.join('; ')}${more}`)
}

/** `operator of shop, team-* from 10.0.0.20` */
export function describeAnonymousRange({ range, grant: { role, apps } }: AnonymousRange): string {
  return `${role} of ${apps === null ? 'everything' : apps.join(', ')} from ${printCidr(range)}`
}
