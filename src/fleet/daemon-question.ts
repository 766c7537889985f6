import type { z } from 'zod'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { parseJson } from '../wire/json.ts'
import type { DaemonHttp, DaemonRequest } from './daemon-http.ts'

/** Asks, and reads the answer as `schema`. Throws DAEMON_REFUSED where the answer is something else. */
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
    const message = `The daemon on ${ip} speaks another language: ${messageOf(cause)}. See that it is a backupd daemon`
    throw new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip }, cause })
  }
}

function noteSetAside(http: DaemonHttp, { ip, path, answer }: { ip: string; path: string; answer: unknown }) {
  const { setAside } = Object(answer) as { setAside?: string[] }
  if (setAside) http.noteSetAside(ip, `items of its answer to ${path.split('/', 5).join('/')}`, setAside)
}

/** The daemon has no such route: it is an original. */
export function isMissingRoute(error: unknown): boolean {
  return error instanceof BackupdError && error.code === 'DAEMON_REFUSED' && error.facts.status === 404
}

/** A part of a path: a name can hold anything. */
export function segment(name: string): string {
  return encodeURIComponent(name)
}
