import type { Reply } from '../reply.ts'

interface SilentServer {
  ip: string
  lastSeen: string | null
}

/** The list, with a word on each daemon that does not answer: what is shown of it is what it last told. */
export function listed(body: unknown, silent: readonly SilentServer[]): Reply {
  return { status: 200, body, warnings: silent.map(wordOn) }
}

function wordOn({ ip, lastSeen }: SilentServer): string {
  const since = lastSeen === null ? 'has not answered yet' : `does not answer (last heard of ${lastSeen})`
  return `The daemon on ${ip} ${since}: what is shown of it is what it last told`
}
