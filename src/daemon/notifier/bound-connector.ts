import { buildConnector } from 'undici'
import { errnoOf, messageOf } from '../../lib/errors.ts'

/**
 * Opens connections from this daemon's own address, because a controller accepts news only from the server itself. If
 * the machine does not have the address or it has no route to the target, the kernel chooses another one, and the
 * controller may refuse the news.
 * @param onUnbound called with the reason
 */
export function createBoundConnector(
  localAddress: string,
  onUnbound: (reason: string) => void,
  connect: buildConnector.connector = buildConnector({}),
): buildConnector.connector {
  return (options, callback) =>
    connect({ ...options, localAddress }, (...answer) => {
      const [error] = answer
      if (!error || !cannotBind(error)) return callback(...answer)
      onUnbound(messageOf(error) || 'unknown')
      connect(options, callback)
    })
}

/** The error is an AggregateError if several addresses of a name were tried. */
function cannotBind(error: Error): boolean {
  const all = [error, ...(error instanceof AggregateError ? error.errors : [])]
  return all.some((each) => ['EADDRNOTAVAIL', 'EINVAL', 'EAFNOSUPPORT'].includes(errnoOf(each) ?? ''))
}
