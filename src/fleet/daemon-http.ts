import { isIPv4 } from 'node:net'
import { stringify } from 'node:querystring'
import { finished, type Readable } from 'node:stream'
import type { buildConnector, Client } from 'undici'
import { isErrorCode } from '../lib/error-codes.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { afterOwnTime } from '../lib/own-time.ts'
import { withoutControls } from '../lib/plain-text.ts'
import { ERROR_CODE_HEADER } from '../wire/error-code-header.ts'
import { notUnicode } from '../wire/json.ts'
import { DaemonConnections } from './daemon-connections.ts'

const ANSWER_TIMEOUT_MS = 10_000
/** Bytes. Large, because a legacy daemon lists all backups in one answer. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** How long no byte of a long answer may come, ms, while somebody takes them. */
const BODY_IDLE_MS = 90_000
const RANGE_NOT_SATISFIABLE = 416
const MAX_REFUSAL_BYTES = 64 * 1024

/** The name of a list is repeated. */
export type Field = string | number | readonly string[]

export interface DaemonRequest {
  method: 'GET' | 'PUT' | 'POST'
  path: string
  query?: Record<string, Field>
  /** Sent urlencoded. */
  form?: Record<string, Field>
}

export interface DaemonHttp {
  /** The body of a successful answer. Throws DAEMON_UNREACHABLE, DAEMON_REFUSED, or the daemon's own code. */
  ask(ip: string, request: DaemonRequest): Promise<string>
  /**
   * A successful answer of any length, over a connection of its own, which ends when the body was read or is destroyed. Throws as
   * ask().
   */
  open(ip: string, request: DaemonRequest, limits: OpenLimits): Promise<OpenAnswer>
  /** Reports the parts of an answer that could not be used. */
  noteSetAside(ip: string, what: string, reasons: readonly string[]): void
  /** Closes the connections to a daemon, with what is asked there. */
  endConnections(ip: string): void
  close(): Promise<void>
}

export interface OpenLimits {
  /** How long it may take until the body begins, ms. */
  beginMs: number
  /** Ends the question, and the body. */
  signal: AbortSignal | undefined
}

export interface OpenAnswer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Readable
}

export interface DaemonHttpOptions {
  /** The base URL of the daemon on a server: `http://10.0.0.1:9002`; undefined for an unknown server. */
  addressOf(ip: string): string | undefined
  /** How to connect through TLS; undefined: over plain HTTP. Throws if the daemon must not be asked. By default plain HTTP. */
  connectorTo?(ip: string): buildConnector.connector | undefined
  log: Log
  /** Called for parts of an answer that could not be used; if left out, they are logged. */
  onSetAside?: DaemonHttp['noteSetAside']
  /** Time limit for a whole answer, ms; default 10 s. Stalls of this process do not count. */
  patienceMs?: number
}

/** HTTP with many daemons: a few persistent connections to each. */
export function createDaemonHttp({
  addressOf,
  connectorTo = () => undefined,
  log,
  onSetAside = (server, what, reasons) => log.warn({ server, reasons }, `Cannot use some ${what}`),
  patienceMs = ANSWER_TIMEOUT_MS,
}: DaemonHttpOptions): DaemonHttp {
  const connections = new DaemonConnections(patienceMs)
  const findDaemon = (ip: string) => {
    const url = isIPv4(ip) ? addressOf(ip) : undefined
    if (url === undefined) throw makeUnknownServerError(ip)
    const connector = connectorTo(ip)
    return { connector, address: findOrigin(url, connector !== undefined) }
  }
  const refuse = (answer: HttpAnswer, asked: AskedDaemon) => {
    const refusal = parseRefusal(answer, asked)
    log.warn({ server: asked.ip, status: answer.status, code: refusal.code }, refusal.message)
    return refusal
  }
  return {
    async ask(ip, request) {
      const { connector, address } = findDaemon(ip)
      const sent = encode(request)
      const exchanged = connections.use(
        address,
        (client) => limitTime(exchange(client, sent, patienceMs), patienceMs),
        connector,
      )
      const answer = await exchanged.catch((cause) => {
        throw makeUnreachableError({ ip, address, patienceMs }, cause)
      })
      if (answer.status < 300) return answer.body
      throw refuse(answer, { ip, address, request })
    },
    async open(ip, request, { beginMs, signal }) {
      const { connector, address } = findDaemon(ip)
      const sent = encode(request)
      const client = connections.openOwn(address, connector)
      const late = new AbortController()
      using _late = afterOwnTime(beginMs, () => late.abort(new DOMException('no answer', 'TimeoutError')))
      const until = signal ? AbortSignal.any([late.signal, signal]) : late.signal
      let refused: HttpAnswer
      try {
        const answer = await openOnce(client, sent, until)
        finished(answer.body, () => connections.closeOwn(address, client))
        if (answer.status < 300 || answer.status === RANGE_NOT_SATISFIABLE) return answer
        refused = { status: answer.status, ...(await readAll(answer, MAX_REFUSAL_BYTES)) }
      } catch (cause) {
        connections.closeOwn(address, client)
        throw makeUnreachableError({ ip, address, patienceMs: beginMs }, cause)
      }
      throw refuse(refused, { ip, address, request })
    },
    noteSetAside: onSetAside,
    endConnections(ip) {
      const url = addressOf(ip)
      if (url === undefined) return
      for (const secure of [false, true]) connections.end(findOrigin(url, secure))
    },
    close: () => connections.destroy(),
  }
}

/** A daemon with a certificate listens on the same port as one without. */
function findOrigin(url: string, isSecure: boolean): string {
  const address = new URL(url)
  if (isSecure) address.protocol = 'https:'
  return address.origin
}

interface AskedDaemon {
  ip: string
  address: string
  request: DaemonRequest
}

interface HttpAnswer {
  status: number
  code: string
  body: string
}

/** A request as it goes over the wire. */
interface SentRequest {
  method: DaemonRequest['method']
  /** With its query. */
  path: string
  body: string | null
}

/**
 * Encodes the request here and not in undici, where an error in the middle of writing a request would make one of the
 * connections unusable. Throws BAD_INPUT for a text that is not Unicode.
 */
function encode({ method, path, query, form }: DaemonRequest): SentRequest {
  const fields = Object.entries({ ...query, ...form }).flatMap(([name, value]) => [name, ...[value].flat()])
  const broken = fields.find((text) => !String(text).isWellFormed())
  if (broken !== undefined) throw notUnicode(String(broken))
  const search = query === undefined ? '' : `?${stringify(query)}`
  return { method, path: `${path}${search}`, body: form === undefined ? null : encodeForm(form) }
}

/** Ends a wait even if undici never calls back. Leaves time for two tries, because a GET is repeated once. */
async function limitTime<T>(answer: Promise<T>, patienceMs: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  using _end = afterOwnTime(2 * patienceMs + 1000, () => late.reject(new Error('it did not answer in time')))
  return await Promise.race([answer, late.promise])
}

/** Repeats a GET, which changes nothing, if a kept connection turns out to be dead. */
async function exchange(client: Client, request: SentRequest, patienceMs: number): Promise<HttpAnswer> {
  try {
    return await exchangeOnce(client, request, patienceMs)
  } catch (error) {
    if (request.method !== 'GET' || errnoOf(error) !== 'UND_ERR_SOCKET') throw error
    return await exchangeOnce(client, request, patienceMs)
  }
}

async function exchangeOnce(
  client: Client,
  { method, path, body }: SentRequest,
  patienceMs: number,
): Promise<HttpAnswer> {
  const late = new AbortController()
  using _end = afterOwnTime(patienceMs, () => late.abort(new DOMException('no answer', 'TimeoutError')))
  const response = await client.request({
    method,
    path,
    ...(body !== null && { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    signal: late.signal,
  })
  return { status: response.statusCode, ...(await readAll(response)) }
}

async function readAll({ headers, body }: Pick<OpenAnswer, 'headers' | 'body'>, maxBytes?: number) {
  const code = headers[ERROR_CODE_HEADER]
  return { code: typeof code === 'string' ? code : '', body: await readBody(body, maxBytes) }
}

/** Sends a request whose answer may be long; nothing is repeated. @param until the answer begins; ends a body that has begun, too */
async function openOnce(
  client: Client,
  { method, path }: SentRequest,
  until: AbortSignal,
): Promise<OpenAnswer> {
  const limits = { headersTimeout: 0, bodyTimeout: BODY_IDLE_MS }
  const {
    statusCode: status,
    headers,
    body,
  } = await client.request({ method, path, ...limits, signal: until })
  return { status, headers, body }
}

/** URLSearchParams would take hundreds of ms for a list of thousands of jobs. */
function encodeForm(form: NonNullable<DaemonRequest['form']>): string {
  const fields = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  )
  return fields.join('&')
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes = MAX_ANSWER_BYTES): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`its answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The name may come from a daemon or the catalog, so nothing is sent to an address that is not in an inventory. */
function makeUnknownServerError(ip: string): BackupdError {
  const name = withoutControls(ip.slice(0, 100))
  const message = `Cannot ask the daemon on "${name}": it is not a server of the inventory. Add it to the inventory to reach it`
  return new BackupdError('DAEMON_UNREACHABLE', message, { facts: { server: name } })
}

function makeUnreachableError(
  { ip, address, patienceMs }: { ip: string; address: string; patienceMs: number },
  cause: unknown,
): BackupdError {
  const late = cause instanceof Error && cause.name === 'TimeoutError'
  const reason = late ? `no answer within ${patienceMs / 1000} s` : describeCause(cause)
  const message = `Cannot reach the daemon on ${ip} at ${address}: ${reason}. Check that it runs and that the network lets requests through`
  return new BackupdError('DAEMON_UNREACHABLE', message, { facts: { server: ip, address, reason }, cause })
}

/** The error has no message if several addresses of a name were tried. */
function describeCause(cause: unknown): string {
  return messageOf(cause) || errnoOf(cause) || 'unknown'
}

function parseRefusal(
  { status, code, body }: HttpAnswer,
  { ip, address, request }: AskedDaemon,
): BackupdError {
  const text = readAnswerText(body)
  const facts = { server: ip, address, status }
  if (isErrorCode(code)) return new BackupdError(code, text, { facts })
  if (/Job not found|backup named .* not found/.test(text))
    return new BackupdError('NOT_FOUND', text, { facts })
  const message = `The daemon on ${ip} refused ${request.method} ${request.path} with status ${status}: ${text || 'no text'}`
  return new BackupdError('DAEMON_REFUSED', message, { facts: { ...facts, words: text } })
}

/** The text of an answer: a JSON string, `{"msg": …}`, or the body itself, shortened. */
function readAnswerText(body: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    parsed = body
  }
  if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed) parsed = parsed.msg
  return withoutControls((typeof parsed === 'string' ? parsed : body).trim().slice(0, 2000))
}
