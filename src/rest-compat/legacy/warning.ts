import type { Reply } from '../reply.ts'

interface SilentServer {
  ip: string
  lastSeen: string | null
}

/** A list with a warning for each daemon that does not answer, whose entries may be outdated. */
export function makeListReply(body: unknown, silent: readonly SilentServer[]): Reply {
  return { status: 200, body, warnings: silent.map(describeSilent) }
}

function describeSilent({ ip, lastSeen }: SilentServer): string {
  const since = lastSeen === null ? 'has not answered yet' : `does not answer (last heard of ${lastSeen})`
  return `The daemon on ${ip} ${since}: its entries are as it last reported them`
}
