import { printCidr } from '../lib/cidr.ts'
import type { Json } from '../lib/errors.ts'
import { describeAnonymousRange } from './address-rules.ts'
import type { AccessOptions } from './callers.ts'
import type { ControllerOptions } from './controller-options.ts'

/** What the audit says of a start: the version, where it listens, and who may reach and do what by its flags. No secrets. */
export function describeStart(options: ControllerOptions): Record<string, Json> {
  const { version, host, port, access, allowedHosts, tls, daemonTls, metricsAddress } = options
  return {
    version,
    listen: `${host}:${port}`,
    ...describeAccess(access),
    ...(allowedHosts.length > 0 && { allowedHosts }),
    ...(tls && { tls: `${tls.host}:${tls.port}` }),
    ...(daemonTls && { daemonTls: `${daemonTls.host}:${daemonTls.port}` }),
    ...(metricsAddress && { metrics: `${metricsAddress.host}:${metricsAddress.port}` }),
  }
}

function describeAccess({ anonymous, insecureHttp, anonymousFrom = [], trustedProxies = [] }: AccessOptions) {
  return {
    anonymous: anonymous ?? 'not said',
    ...(insecureHttp && { insecureHttp }),
    ...(anonymousFrom.length > 0 && { anonymousFrom: anonymousFrom.map(describeAnonymousRange) }),
    ...(trustedProxies.length > 0 && { trustedProxies: trustedProxies.map(printCidr) }),
  }
}
