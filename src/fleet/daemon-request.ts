import type { z } from 'zod'
import { BackupdError, hasCode, messageOf } from '../lib/errors.ts'
import { notUnicode, parseJson } from '../wire/json.ts'
import type { DaemonHttp, DaemonRequest } from './daemon-http.ts'

/** Sends a request and parses the answer with `schema`. Throws DAEMON_REFUSED if the answer does not fit. */
export async function askFor<T>(
  http: DaemonHttp,
  ip: string,
  { schema, ...request }: DaemonRequest & { schema: z.ZodType<T> },
): Promise<T> {
  const body = await http.ask(ip, request)
  try {
    const answer = parseJson(`the answer to ${request.method} ${request.path}`, body, schema)
    noteSetAside(http, { ip, path: request.path, answer })
    return answer
  } catch (cause) {
    const message = `The daemon on ${ip} sent an unexpected answer: ${messageOf(cause)}. Check that it is a backupd daemon`
    throw new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip }, cause })
  }
}

/** Reports the parts of an answer that were left out. */
export function noteSetAside(
  http: DaemonHttp,
  { ip, path, answer }: { ip: string; path: string; answer: unknown },
) {
  const { setAside } = Object(answer) as { setAside?: string[] }
  if (setAside) http.noteSetAside(ip, `items of its answer to ${path.split('/', 5).join('/')}`, setAside)
}

/** Whether the daemon does not have the route, which means that it is a legacy one. */
export function isMissingRoute(error: unknown): boolean {
  return hasCode(error, 'DAEMON_REFUSED') && error.facts.status === 404
}

/** Encodes a name as a segment of a URL path, because it may contain any character. */
export function encodeSegment(name: string): string {
  if (!name.isWellFormed()) throw notUnicode(name)
  return encodeURIComponent(name)
}
