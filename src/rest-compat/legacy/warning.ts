import type { Reply } from '../reply.ts'

interface SilentServer {
  ip: string
  lastSeen: string | null
}

/** Clients refuse headers that are too long, Node's above 16 KiB. */
const MAX_WARNINGS = 50

/** A list with a warning for each daemon that does not answer, whose entries may be outdated. */
export function makeListReply(body: unknown, silent: readonly SilentServer[]): Reply {
  const warnings = silent.slice(0, MAX_WARNINGS).map(describeSilent)
  const left = silent.length - warnings.length
  if (left > 0) warnings.push(`The daemons on ${left} more servers do not answer either`)
  return { status: 200, body, warnings }
}

function describeSilent({ ip, lastSeen }: SilentServer): string {
  const since = lastSeen === null ? 'has not answered yet' : `does not answer (last heard of ${lastSeen})`
  return `The daemon on ${ip} ${since}: its entries are as it last reported them`
}
