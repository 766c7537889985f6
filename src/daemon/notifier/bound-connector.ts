import { buildConnector } from 'undici'
import { errnoOf, messageOf } from '../../lib/errors.ts'

/**
 * Connections that begin at this daemon's own address, since a controller takes news only from the server that it is
 * of. An address that this machine does not have, or that does not lead there, cannot be used: then the connection
 * begins wherever the kernel says, and the controller may refuse it.
 * @param onUnbound called with the reason
 */
export function boundConnector(
  localAddress: string,
  onUnbound: (reason: string) => void,
): buildConnector.connector {
  const connect = buildConnector({})
  return (options, callback) =>
    connect({ ...options, localAddress }, (...answer) => {
      const [error] = answer
      if (!error || !cannotBind(error)) return callback(...answer)
      onUnbound(messageOf(error) || 'unknown')
      connect(options, callback)
    })
}

/** Where several addresses of one name were tried there is a list of errors. */
function cannotBind(error: Error): boolean {
  const all = [error, ...(error instanceof AggregateError ? error.errors : [])]
  return all.some((each) => ['EADDRNOTAVAIL', 'EINVAL', 'EAFNOSUPPORT'].includes(errnoOf(each) ?? ''))
}
