import type { WebSocket } from 'ws'

/** After this close code, clients connect again on their own. */
const TRY_AGAIN_LATER = 1013
/** Closes a socket with more unsent bytes when its client sends more: such a client does not read the answers. */
export const MAX_UNREAD = 4 * 1024 * 1024

/** Closes the socket if its client goes on sending without reading the answers. */
export function watchUnread(webSocket: WebSocket): void {
  for (const event of ['message', 'ping']) {
    webSocket.on(event, () => {
      if (webSocket.bufferedAmount > MAX_UNREAD) closeUnread(webSocket)
    })
  }
}

/** The reason reaches a client that reads on; its subscriptions end at once. */
export function closeUnread(socket: WebSocket): void {
  socket.close(TRY_AGAIN_LATER, 'Too many unread messages: connect again, and subscribe with since')
}
