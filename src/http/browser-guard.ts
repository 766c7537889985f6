import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { BackupdError } from '../lib/errors.ts'

/**
 * Prevents web pages from using our programs, even with a host name that resolves to this machine (DNS rebinding).
 * Throws FORBIDDEN for a request from another site's page or to a host name that is not allowed.
 * @param allowedHosts in lower case
 */
export function guardBrowsers(headers: IncomingHttpHeaders, allowedHosts: readonly string[]): void {
  const host = headers.host ?? ''
  const name = parseHostName(host)
  if (isIP(name) === 0 && name !== 'localhost' && !allowedHosts.includes(name)) {
    throw new BackupdError(
      'FORBIDDEN',
      `Requests for the host "${host}" are refused: ask by IP address, or allow that name with --allowed-host`,
    )
  }
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') throw foreign(`Sec-Fetch-Site: ${site}`)
  const { origin } = headers
  if (origin !== undefined && parseHost(origin) !== parseHost(`http://${host}`))
    throw foreign(`Origin: ${origin}`)
}

function foreign(header: string): BackupdError {
  return new BackupdError(
    'FORBIDDEN',
    `Requests from other sites' pages are refused (${header}): ask from a program or from this host`,
  )
}

/** `[::1]:9002` → `::1`; in lower case. */
function parseHostName(host: string): string {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '')
  return name.toLowerCase()
}

function parseHost(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
