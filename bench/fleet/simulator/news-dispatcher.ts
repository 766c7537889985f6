import { Agent, type Dispatcher } from 'undici'
import { createBoundConnector } from '../../../src/daemon/notifier/bound-connector.ts'
import type { Manners } from './manners.ts'
import type { Tally } from './tally.ts'

/**
 * Sends the posts of a daemon from its own address, as the real notifier does, and counts the answers. A daemon of an
 * older version does not know `Retry-After`: for it the header is removed.
 */
export function createNewsDispatcher(ip: string, tally: Tally, manners: Manners): Dispatcher {
  const connect = createBoundConnector(ip, (reason) => {
    throw new Error(`Cannot send from ${ip}: ${reason}`)
  })
  const agent = new Agent({ pipelining: 1, keepAliveTimeout: 30_000, connect })
  return agent.compose((dispatch) => (options, handler) => {
    return dispatch(options, watchAnswer(handler, { tally, manners }))
  })
}

interface Watch {
  tally: Tally
  manners: Manners
}

function watchAnswer(
  handler: Dispatcher.DispatchHandler,
  { tally, manners }: Watch,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    onResponseStart(controller, status, headers, message) {
      tally.noteAnswer(status)
      if (!manners.obeysRetryAfter) delete headers['retry-after']
      return handler.onResponseStart?.(controller, status, headers, message)
    },
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError(controller, error) {
      tally.noteAnswer(0)
      return handler.onResponseError?.(controller, error)
    },
  }
}
